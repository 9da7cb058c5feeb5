"""The upkeep of a workspace's lake between runs: few files, and none for longer than it is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ingestion.contracts import contract
from ingestion.landing import compaction, lake, originals
from ingestion.landing.compaction import Merge
from ingestion.landing.ledger import Ledger
from ingestion.privacy import proof
from tillmill.errors import TillmillError
from tillmill.workspace import Workspace


@dataclass
class Upkeep:
    """What was done: merges; files removed by kind; merged files that still wait for their readers."""

    merges: list[Merge] = field(default_factory=list)
    removed: int = 0
    waiting: int = 0
    originals: int = 0
    left_over: int = 0


def compact(workspace: Workspace, ledger: Ledger, streams: Sequence[str] = ()) -> Upkeep:
    """Merges the small files of these streams, of all where none is named, and removes what is past its time.

    The caller holds the run lock. Killed anywhere, the next one finishes. Raises TillmillError while a request to
    forget somebody is open: its files are about to be written anew.
    """
    if proof.open_requests(workspace):
        raise TillmillError(
            "a request (forget, rekey, reseal) is not finished, and it writes files anew",
            state="Nothing was changed.",
            next_command="tillmill run",
        )
    done = Upkeep(left_over=compaction.sweep_spools(workspace) + len(lake.recover(workspace, ledger).swept))
    done.originals = originals.sweep(workspace, ledger)
    for one in list(compaction.plan(workspace, ledger, streams)):
        compaction.merge(workspace, ledger, one)
        done.merges.append(one)
    done.removed = compaction.sweep(workspace, ledger)
    done.waiting = len(ledger.merged())
    return done


def known_streams(ledger: Ledger, names: Sequence[str]) -> Sequence[str]:
    """The names themselves; raises SettingsError for one that neither has landed nor has a contract."""
    landed = {stream for _, stream in ledger.streams()}
    for name in names:
        if name not in landed:
            contract(name)
    return names
