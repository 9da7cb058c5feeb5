"""The proof of a request: when, by whom, how many and which files; nothing by which anybody could be recognised."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from ingestion.landing import compaction, files
from ingestion.landing.ledger import Ledger
from ingestion.privacy import erasure, rekeying, resealing
from ingestion.privacy.requests import Request, Requests
from ingestion.privacy.tokens import load_keys
from tillmill.workspace import Workspace, now

CARRY_OUT = {"forget": erasure.carry_out, "rekey": rekeying.carry_out, "reseal": resealing.carry_out}


def carry_out_open(workspace: Workspace, ledger: Ledger) -> list[Request]:
    """Finish the files' part of every open request; returns those that wait for a version built from these files.

    The caller holds the run lock, and no candidate is pending.
    """
    for request in open_requests(workspace):
        if request.phase == "asked":
            # What was merged still has the person, the old tokens, or what the old key opens.
            compaction.sweep(workspace, ledger, at_once=True)
            CARRY_OUT[request.kind](workspace, ledger, request)
    return open_requests(workspace)


def open_requests(workspace: Workspace) -> list[Request]:
    """Requests that are not done, oldest first; none where nothing was ever asked."""
    if not workspace.vault.exists():
        return []
    with Requests(workspace) as requests:
        return requests.open_requests()


def finish(workspace: Workspace, ledger: Ledger, *, version: int, removed: list[str]) -> list[Path]:
    """Close every request whose files are rewritten, once `version` is published and older ones (`removed`) are gone.

    Writes one proof each; returns their paths.
    """
    proofs = []
    for request in open_requests(workspace):
        if request.phase != "rewritten":
            continue
        with Requests(workspace) as requests:
            found = describe(ledger, requests, request) | {"version": version, "versions_removed": removed}
            found["seal"] = seal_of(workspace, found)
            path = workspace.forgotten / f"{request.kind}-{request.request:06d}.json"
            files.write_bytes(json.dumps(found, indent=1).encode(), path)
            requests.move_to(request, "done")
            proofs.append(path)
    return proofs


def describe(ledger: Ledger, requests: Requests, request: Request) -> dict[str, Any]:
    """What was done: counts per place, and each file's sha256 before and after."""
    replaced = ledger.replaced(request.why)
    rows = Counter[str]()
    for one in replaced:
        rows["/".join(one.file.parts[1:3])] += one.rows
    elsewhere = Counter[str]()
    for done in requests.done(request):
        elsewhere[done.place] += done.rows
    return {
        "request": request.why,
        "asked_at": request.asked_at.isoformat(),
        "asked_by": request.asked_by,
        "finished_at": now().isoformat(),
        "source": request.source or "all",
        "rows": dict(sorted(rows.items())),
        "removed": dict(sorted(elsewhere.items())),
        "left_out": {kind: len(some) for kind, some in sorted(requests.tokens(request).items())},
        "files": [
            {
                "before": one.file.as_posix(),
                "before_sha256": one.sha256,
                "after": one.by_file.as_posix(),
                "after_sha256": one.by_sha256,
                "rows": one.rows,
            }
            for one in replaced
        ],
    }


def seal_of(workspace: Workspace, proof: dict[str, Any]) -> str:
    """The keyed hash of a proof without its seal: whoever has no sealing key cannot change it unseen."""
    return resealing.proof_seal(proof, load_keys(workspace).sealing[-1])
