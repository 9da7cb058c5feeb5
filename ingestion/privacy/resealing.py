"""A new sealing key: whatever the old ones sealed is opened once more and sealed with it, then the old ones go."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from ingestion.connectors import fullread
from ingestion.contracts import ALL
from ingestion.landing import files, originals
from ingestion.landing.ledger import Ledger, Load, Place
from ingestion.landing.locks import fixes_lock, stream_lock
from ingestion.privacy import keyfiles
from ingestion.privacy.person import visible_files
from ingestion.privacy.requests import Request, Requests
from ingestion.privacy.seal import MARK, NAMELESS, is_sealed, mark_of, seal, signature, unseal
from ingestion.privacy.tokens import load_keys
from tillmill.errors import RefusedError, SettingsError
from tillmill.workspace import Workspace

Sealing = tuple[bytes, ...]


def ask(workspace: Workspace, *, by: str) -> Request:
    """Make the new key and note that the old ones are to go; the next run finishes the work. The caller holds the run
    lock.

    A key that was added by hand is taken. Raises SettingsError where there is none, and the keys are in no file of the
    workspace.
    """
    reference = workspace.settings.privacy.sealing_key
    path = keyfiles.path_of(workspace, reference)
    keys = keyfiles.read_keys(workspace, reference)
    if len(keys) == 1:
        if path is None:
            raise SettingsError(
                f"{reference} is no file of the workspace, so Tillmill cannot write a new key there",
                state="Nothing was changed.",
                next_command="add the new key as a last line, then: tillmill reseal",
            )
        # From here on it seals; every key of the file opens, so it does not matter how far the rest has come.
        keys.append(keyfiles.new_key())
        keyfiles.replace(path, keys)
    with Requests(workspace) as requests:
        detail = {"key": keyfiles.name_of(keys[-1])}
        return requests.ask("reseal", by=by, source="", tokens={}, detail=detail)


def carry_out(workspace: Workspace, ledger: Ledger, request: Request) -> None:
    """Seal everything with the newest key and drop the others; again after a kill is safe.

    The caller holds the run lock, and no candidate is pending. Raises RefusedError for what no key opens; then the old
    keys stay.
    """
    keys = load_keys(workspace).sealing
    for load, file, name in list(_sealed_files(ledger)):
        with stream_lock(workspace, load.source, load.stream):
            _reseal_file(workspace, ledger, request, keys, (load, file, name))
    _reseal_fixes(workspace, ledger, keys)
    for source, stream in sorted({(one.source, one.stream) for one in ledger.originals()}):
        with stream_lock(workspace, source, stream):
            originals.reseal(workspace, ledger, source, stream)
    for path in sorted((workspace.ledger.parent / "reads").glob("*.sqlite")):
        fullread.reseal(path, keys)
    _reseal_proofs(workspace, keys)
    key_file = keyfiles.path_of(workspace, workspace.settings.privacy.sealing_key)
    if key_file is not None:
        keyfiles.replace(key_file, keys[-1:])
    with Requests(workspace) as requests:
        requests.move_to(request, "rewritten")


def proof_seal(proof: dict[str, Any], key: bytes) -> str:
    """The keyed hash of a proof without its seal."""
    return signature(json.dumps({name: value for name, value in proof.items() if name != "seal"}, sort_keys=True), key)


def _sealed_files(ledger: Ledger) -> Iterator[tuple[Load, Path, str]]:
    """Every file that counts and may have sealed text, with the column that has it."""
    sealed = [contract for contract in ALL.values() if contract.is_sealed or not contract.is_learnt]
    for _, load, file in visible_files(ledger, sealed):
        yield load, file, "_extra"
    for contract in sealed:
        for load in ledger.loads(stream=contract.name):
            if load.state == "visible" and load.quarantine_file is not None:
                yield load, load.quarantine_file, "raw"


def _reseal_file(
    workspace: Workspace, ledger: Ledger, request: Request, keys: Sealing, where: tuple[Load, Path, str]
) -> None:
    load, file, name = where
    path = workspace.root / file
    if name not in pl.read_parquet_schema(path):
        return
    texts = pl.read_parquet(path, columns=[name])[name]
    is_sealed_text = texts.str.starts_with(MARK) | texts.str.starts_with(NAMELESS)
    is_old = (is_sealed_text & ~texts.str.starts_with(mark_of(keys))).fill_null(False)
    if not is_old.any():
        return
    rows = pl.read_parquet(path)
    places = rows["position"] if name == "raw" else pl.repeat(name, rows.height, eager=True)
    context = f"{load.source}/{load.stream}"
    anew: dict[str, str] = {}
    try:
        for text, place in zip(texts.filter(is_old), places.filter(is_old), strict=True):
            if text not in anew:
                anew[text] = _again(text, keys, context, place)
    except RefusedError as error:
        raise RefusedError(
            f"{path}: {error.what}",
            state="What was sealed anew stays so; the old keys are still there, and nothing is lost.",
            next_command=f"put {file.name} or its key back from a backup, then: tillmill run",
        ) from error
    rows = rows.with_columns(pl.col(name).replace(list(anew), list(anew.values())))
    ledger.rewrite(load.load_id, file, rows, why=request.why, rows=int(is_old.sum()))


def _reseal_fixes(workspace: Workspace, ledger: Ledger, keys: Sealing) -> None:
    with fixes_lock(workspace):
        for load in ledger.loads():
            anew = {
                (Place(load.load_id, row), text): _again(text, keys, f"{load.source}/{load.stream}", f"fix of {row}")
                for row, text in ledger.said_of(load.load_id)
                if _is_old(text, keys)
            }
            ledger.reword_fixes(anew)


def _reseal_proofs(workspace: Workspace, keys: Sealing) -> None:
    """A proof that bears the seal of an old key gets the new one's; one that bears none of ours is left as it is."""
    for path in sorted(workspace.forgotten.glob("*.json")):
        proof = json.loads(path.read_text())
        if proof.get("seal") in [proof_seal(proof, key) for key in keys[:-1]]:
            proof["seal"] = proof_seal(proof, keys[-1])
            files.write_bytes(json.dumps(proof, indent=1).encode(), path)


def _is_old(text: str, keys: Sealing) -> bool:
    return is_sealed(text) and not text.startswith(mark_of(keys))


def _again(text: str, keys: Sealing, context: str, position: str) -> str:
    [sealed] = seal([unseal(text, keys, context)], keys, context, [position])
    assert sealed is not None
    return sealed
