"""What a killed run left: recorded loads roll forward, everything the ledger does not know is swept aside."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ingestion.landing import files, originals
from ingestion.landing.ledger import ZERO_ROWS, Ledger, Load
from ingestion.landing.locks import stream_lock
from ingestion.landing.rewrites import MARK
from ingestion.privacy import vault
from tillmill.errors import LockedError
from tillmill.workspace import Workspace


@dataclass
class Recovered:
    """What was repaired: loads rolled forward, loads taken back (damaged before anyone saw them), files swept aside."""

    rolled_forward: list[str] = field(default_factory=list)
    taken_back: list[str] = field(default_factory=list)
    swept: list[Path] = field(default_factory=list)


def recover(workspace: Workspace, ledger: Ledger) -> Recovered:
    """Repair every stream that no other process is loading at this moment; again is a no-op."""
    recovered = Recovered()
    on_disk = {
        (folder.name, folder.parent.name)
        for lake in (workspace.landing, workspace.quarantine, workspace.originals)
        for folder in lake.glob("*/*")
        if folder.is_dir()
    }
    for source, stream in sorted(on_disk | set(ledger.streams())):
        try:
            with stream_lock(workspace, source, stream):
                recover_stream(workspace, ledger, source, stream, recovered)
        except LockedError:
            # Its holder repairs it, or is the one at work in it.
            continue
    return recovered


def recover_stream(
    workspace: Workspace, ledger: Ledger, source: str, stream: str, recovered: Recovered | None = None
) -> Recovered:
    """Repair one stream whose lock the caller holds: afterwards each load is whole and counted, or was never there.

    A recorded load whose bytes are not the recorded ones (a disk that lied about its fsync) is taken back and its
    cursor put where it stood, so that the next pull fetches the rows again. Files the ledger never knew are hidden,
    not deleted.
    """
    recovered = recovered or Recovered()
    for load in ledger.unfinished(source, stream):
        moves = _moves(workspace, load)
        if all(_settle(spool, target, sha256) for spool, target, sha256 in moves):
            ledger.mark_visible(load.load_id)
            recovered.rolled_forward.append(load.load_id)
        else:
            ledger.undo(load.load_id)
            recovered.taken_back.append(load.load_id)
    counted = {load.load_seq for load in ledger.loads(source, stream) if load.state != "discarded"}
    vault.sweep(workspace, source, stream, counted)
    recovered.swept.extend(originals.sweep_unknown(workspace, ledger, source, stream))
    states = ledger.known_files(source, stream)
    replaced = ledger.old_files()
    for lake in (workspace.landing, workspace.quarantine):
        folder = lake / stream / source
        for path in folder.iterdir() if folder.is_dir() else ():
            name = path.relative_to(workspace.root)
            state = states.get(name)
            if state is None and ledger.is_merged(name):
                # Its rows stand in a larger file too; a reader may still hold an older manifest.
                continue
            # A file written anew that the ledger does not know never took the place of the one it knows.
            is_left_over = state is None and (name in replaced or MARK in path.name)
            if path.suffix == files.SPOOL or state == "discarded" or is_left_over:
                files.remove(path)
            elif state is None and path.name != ZERO_ROWS and path.suffix != files.UNKNOWN:
                files.put_in_place(path, path.with_name(f".{path.name}{files.UNKNOWN}"))
            else:
                continue
            recovered.swept.append(path)
    return recovered


def _moves(workspace: Workspace, load: Load) -> list[tuple[Path, Path, str]]:
    """Spool, final place and sha256 of each of the load's files."""
    named = ((load.file, load.sha256), (load.quarantine_file, load.quarantine_sha256))
    return [
        (files.spool_of(workspace.root / file, load.load_seq), workspace.root / file, sha256)
        for file, sha256 in named
        if file is not None and sha256 is not None
    ]


def _settle(spool: Path, target: Path, sha256: str) -> bool:
    """Whether the file is in its final place with the recorded bytes, moved there if it still waited in its spool."""
    if spool.exists():
        if files.sha256(spool) != sha256:
            return False
        files.put_in_place(spool, target)
        return True
    if not target.exists() or files.sha256(target) != sha256:
        return False
    # Renamed, but the kill may have come before the folder reached the disk.
    files.fsync(target.parent)
    return True
