"""Write, audit, publish: a candidate is built beside the published version and takes its place in one transaction."""

from __future__ import annotations

import json
import secrets
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from ingestion.landing import files
from ingestion.landing.ledger import Ledger
from tillmill.errors import BuildError
from tillmill.workspace import Workspace

KEPT_VERSIONS = 3
POINTER = "current.json"
AUDITED = "audited.json"


@dataclass(frozen=True)
class Candidate:
    """A version in the making: its name in the ledger, its warehouse file, the manifest it reads."""

    name: str
    database: Path
    manifest: Path


@dataclass(frozen=True)
class PublishedVersion:
    """The version people see: file, number, time of publishing, and whether it is pinned by a rollback."""

    path: Path
    version: int
    published_at: datetime
    is_pinned: bool


def begin_candidate(
    workspace: Workspace, ledger: Ledger, fingerprint: str, *, recipe: str, afresh: bool = False
) -> Candidate:
    """A copy of the last published file, with what an earlier failed candidate left discarded.

    There is no copy, and so every table is built anew, when `afresh` or when that file was made by another recipe.
    """
    discard_candidates(workspace, ledger)
    candidate = Candidate(
        name=f"{fingerprint}-{recipe}-{secrets.token_hex(4)}",
        database=workspace.build / "candidate.duckdb",
        manifest=workspace.build / "manifest.parquet",
    )
    latest = ledger.latest_version()
    if latest is not None and not afresh and _recipe_of(latest.file) == recipe:
        shutil.copyfile(workspace.published / latest.file, candidate.database)
    freeze_manifest(ledger, candidate)
    return candidate


def freeze_manifest(ledger: Ledger, candidate: Candidate) -> None:
    """Writes the list of loads that this candidate reads; loads that become visible later wait for the next one."""
    ledger.export_manifest(candidate.manifest, candidate=candidate.name)


def discard_candidates(workspace: Workspace, ledger: Ledger) -> None:
    """Forgets every unpublished candidate: its pending loads in the ledger and its files in `build/`."""
    # The note goes first: without it nobody takes a half-built file for an audited one.
    (workspace.build / AUDITED).unlink(missing_ok=True)
    for name in ledger.candidates():
        ledger.discard(name)
    for file in workspace.build.glob("candidate.duckdb*"):
        # A new file, never a rewritten one: a dying child of a killed run may still hold the old one open. A folder
        # holds what the engine had spilled when it was killed.
        if file.is_dir():
            shutil.rmtree(file)
        else:
            file.unlink()


def publish(workspace: Workspace, ledger: Ledger, candidate: Candidate) -> PublishedVersion:
    """Makes the audited candidate the published version; a kill at any instruction leaves the old or the new one."""
    with duckdb.connect(str(candidate.database)) as connection:
        connection.execute("checkpoint")
    log = candidate.database.with_name(candidate.database.name + ".wal")
    if log.exists():
        raise BuildError(f"{log} is still there after a checkpoint", next_command="tillmill run")
    files.fsync(candidate.database)
    digest = files.sha256(candidate.database)
    file = workspace.published / f"warehouse-{candidate.name}.duckdb"
    files.put_in_place(candidate.database, file)
    ledger.publish(candidate.name, file.name, digest)
    repair(workspace, ledger)
    version = current(workspace, ledger)
    if version is None:
        raise BuildError("the ledger has no published version after publishing", next_command="tillmill status")
    return version


def fingerprint_of(version: PublishedVersion) -> str:
    """The fingerprint that the version was built from, kept in its file's name."""
    return version.path.stem.split("-")[1]


def _recipe_of(file: str) -> str:
    """The recipe that a version was made by, kept in its file's name beside the fingerprint."""
    return file.split("-")[2]


def repair(workspace: Workspace, ledger: Ledger) -> None:
    """Re-derives the pointer file from the ledger and removes files of no version and of versions long past."""
    version = ledger.current_version()
    pointer = workspace.published / POINTER
    if version is not None:
        text = json.dumps(
            {
                "version": version.version,
                "file": version.file,
                "published_at": version.published_at.isoformat(),
                "is_pinned": ledger.pinned() is not None,
            }
        )
        if not pointer.exists() or pointer.read_text() != text:
            spool = pointer.with_suffix(".spool")
            spool.write_text(text)
            files.fsync(spool)
            files.put_in_place(spool, pointer)
    known = {kept.file for kept in ledger.versions()[:KEPT_VERSIONS]}
    if version is not None:
        known.add(version.file)
    for file in workspace.published.glob("warehouse-*.duckdb*"):
        if file.name not in known:
            file.unlink()


def remove_older(workspace: Workspace, ledger: Ledger) -> list[str]:
    """Removes every version but the newest, which is then the one people see; returns the names of the files."""
    newest = ledger.latest_version()
    if newest is None:
        return []
    ledger.release()
    repair(workspace, ledger)
    older = [file for file in workspace.published.glob("warehouse-*.duckdb*") if file.name != newest.file]
    for file in older:
        file.unlink()
    return sorted(file.name for file in older)


def current(workspace: Workspace, ledger: Ledger) -> PublishedVersion | None:
    """The version the ledger says people see, or None before the first run."""
    version = ledger.current_version()
    if version is None:
        return None
    return PublishedVersion(
        workspace.published / version.file, version.version, version.published_at, version.is_pinned
    )


def read_pointer(published: Path) -> PublishedVersion | None:
    """The version that the pointer file names: what readers use, who never open the ledger."""
    pointer = published / POINTER
    if not pointer.exists():
        return None
    found = json.loads(pointer.read_text())
    return PublishedVersion(
        published / found["file"], found["version"], datetime.fromisoformat(found["published_at"]), found["is_pinned"]
    )
