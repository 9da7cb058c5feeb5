"""Rows that are set aside for good: a total line, a test record. They stay in quarantine, closed, with who and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from ingestion.landing import quarantine
from ingestion.landing.ledger import Dismissal, Ledger, Load, Place
from ingestion.landing.locks import run_lock
from ingestion.privacy.masking import mask
from ingestion.privacy.seal import is_sealed, unseal
from ingestion.privacy.tokens import load_keys
from tillmill.errors import UsageError
from tillmill.workspace import Workspace

DISMISSED = pl.Schema(
    {
        "source": pl.String(),
        "stream": pl.String(),
        "row": pl.String(),
        "why": pl.String(),
        "author": pl.String(),
        "dismissed_at": pl.Datetime("us", "UTC"),
    }
)


def dismiss(workspace: Workspace, places: Sequence[Place], *, why: str, author: str) -> int:
    """Close these open rows; returns how many they are. The words are kept with phones and e-mails masked.

    Raises UsageError for a row that is not open, or without a reason, LockedError while a run is at work; then nothing
    is closed.
    """
    if not why.strip():
        raise UsageError("say why these rows are set aside: --why", state="Nothing was changed.")
    with run_lock(workspace), Ledger(workspace.ledger) as ledger:
        for load_id in dict.fromkeys(place.load_id for place in places):
            load = ledger.load(load_id)
            is_open = set() if load is None else {*quarantine.open_of(workspace, ledger, load)["row"]}
            if missing := sorted({place.row for place in places if place.load_id == load_id} - is_open):
                raise UsageError(
                    f"{load_id} has no open row {', '.join(map(str, missing))} in quarantine",
                    state="Nothing was changed.",
                    next_command="tillmill quarantine list",
                )
        ledger.dismiss({place: Dismissal(mask(why.strip()), author) for place in places})
    return len({*places})


def reopen(workspace: Workspace, places: Sequence[Place]) -> int:
    """Open dismissed rows again; returns how many. Raises UsageError where none of them is dismissed, LockedError."""
    with run_lock(workspace), Ledger(workspace.ledger) as ledger:
        count = ledger.reopen(places)
    if not count:
        raise UsageError(
            f"{', '.join(map(str, places))}: no such row is dismissed",
            state="Nothing was changed.",
            next_command="tillmill quarantine list --dismissed",
        )
    return count


def dismissed(workspace: Workspace) -> pl.DataFrame:
    """Every row that people closed: source, stream, row (LOAD:ROW), why, author, dismissed_at (UTC)."""
    with Ledger(workspace.ledger) as ledger:
        told = [
            (load.source, load.stream, str(Place(load.load_id, row)), one.why, one.author, one.dismissed_at)
            for load in ledger.loads()
            for row, one in ledger.dismissals(load.load_id).items()
        ]
    return pl.DataFrame(told, schema=DISMISSED, orient="row")


def refused_for(workspace: Workspace, source: str, stream: str, reason: str) -> list[Place]:
    """The stream's open rows that are refused for this reason, and for no other.

    Raises UsageError naming the reasons there are.
    """
    found: list[Place] = []
    reasons: set[str] = set()
    with Ledger(workspace.ledger) as ledger:
        for load, rows in quarantine.open_rows(workspace, ledger, source=source, stream=stream):
            for row, told in quarantine.reasons_now(ledger, rows).group_by("row", maintain_order=True):
                reasons |= {*told["reason"]}
                if {*told["reason"]} == {reason}:
                    found.append(Place(load.load_id, int(str(row[0]))))
    if not found:
        raise UsageError(
            f"no open row of {source} {stream} is refused for {reason!r} alone"
            + (f"; there are: {'; '.join(sorted(reasons))}" if reasons else ""),
            state="Nothing was changed.",
            next_command=f"tillmill quarantine show {source} {stream}",
        )
    return found


def dismiss_again(workspace: Workspace, ledger: Ledger, streams: Iterable[tuple[str, str]]) -> int:
    """Close open rows that say word for word what a dismissed row of the same file said; returns how many.

    A file that comes again with more lines brings its total line again. Again is a no-op; after a kill the next pull
    does what was left.
    """
    sealing = load_keys(workspace).sealing
    known: dict[Place, Dismissal] = {}
    for source, stream in streams:
        closed: dict[tuple[str | None, str], Dismissal] = {}
        for load in (one for one in ledger.loads(source, stream) if one.quarantine_file is not None):
            if told := ledger.dismissals(load.load_id):
                rows = quarantine.rows_of(workspace, load).filter(pl.col("row").is_in(list(told)))
                closed |= {said: told[row] for row, said in _said(load, rows, sealing) if said[1]}
        if not closed:
            continue
        for load, rows in quarantine.open_rows(workspace, ledger, source=source, stream=stream):
            known |= {
                Place(load.load_id, row): closed[said] for row, said in _said(load, rows, sealing) if said in closed
            }
    ledger.dismiss(known)
    return len(known)


def _said(load: Load, rows: pl.DataFrame, sealing: Sequence[bytes]) -> Iterable[tuple[int, tuple[str | None, str]]]:
    """Row number, with the file it stands in and its raw form."""
    context = f"{load.source}/{load.stream}"
    for row, file, raw in rows.select("row", "file", "raw").unique("row", maintain_order=True).iter_rows():
        yield row, (file, unseal(raw, sealing, context) if is_sealed(raw) else raw)
