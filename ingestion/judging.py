"""What keeps a load from landing: too many bad rows, or a mapped field that is in none of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ingestion.landing.ledger import Ledger, Load
from tillmill.errors import ContractError
from tillmill.refusals import nearest

# Fewer rows say nothing about a feed: one bad row of three is no drift.
JUDGED_FROM_ROWS = 100


class Stream(Protocol):
    """What is known of the stream that is judged."""

    @property
    def source(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def max_quarantined_rate(self) -> float: ...
    @property
    def states_every_field(self) -> bool: ...
    @property
    def versioned_by(self) -> frozenset[str]: ...


def judge_rate(stream: Stream, loads: Sequence[Load], pulled: int, quarantined: int, why: str = "") -> None:
    """Raises ContractError where too many rows are bad: in the load at hand, and with the `loads` of this pull; `why`
    is the commonest reason.

    A pull that fits one load is judged as a whole. A longer one cannot be held back until its end, so each of its
    loads is judged by itself too: a feed that turns bad half-way stops there.
    """
    limit = stream.max_quarantined_rate
    all_pulled = pulled + sum(load.pulled for load in loads)
    all_quarantined = quarantined + sum(load.quarantined for load in loads)
    for bad, rows in ((quarantined, pulled), (all_quarantined, all_pulled)):
        if rows >= JUDGED_FROM_ROWS and bad > limit * rows:
            raise ContractError(
                f"{stream.source} {stream.name}: {bad:,} of {rows:,} rows do not fit their contract "
                f"({bad / rows:.1%}; at most {limit:.1%} may: max_quarantined_rate){_mostly(why)}",
                state=_state(loads),
                next_command=f"tillmill sources check {stream.source} --stream {stream.name}",
            )


def judge_fields(
    stream: Stream, ledger: Ledger, loads: Sequence[Load], pulled: int, found: tuple[str, ...], why: str = ""
) -> None:
    """Raises ContractError where a mapped field is in no row: in a first load it is mistyped, later lost or renamed.

    `found` are the load's unmapped fields and, with a minus, the mapped ones it lacks. A source that leaves out what is
    null says nothing by leaving a field out: what was never seen is told, not missed. Only what says which of two rows
    is newer (`versioned_by`) is missed of every source: the moment of the pull would stand in for it, and what is read
    again with the right field would be older and lose. A stream that may be wholly quarantined (rate 1) is not judged.
    """
    lost = [name[1:] for name in found if name.startswith("-")]
    if not lost or not pulled or stream.max_quarantined_rate >= 1:
        return
    missed = (
        lost if stream.states_every_field else sorted(stream.versioned_by) if stream.versioned_by <= {*lost} else []
    )
    if missed and ledger.last_load(stream.source, stream.name, 1) is None:
        unmapped = [name for name in found if not name.startswith("-")]
        said = ", ".join(f"{name!r}{nearest(name, unmapped)}" for name in missed)
        raise ContractError(
            f"{stream.source} {stream.name}: the mapping reads a field that is in none of the {pulled:,} rows: "
            f"{said}{_mostly(why)}",
            state=_state(loads),
            next_command=f"tillmill sources check {stream.source} --stream {stream.name} "
            "(a field that may be missing: optional = true)",
        )
    before = ledger.last_load(stream.source, stream.name, JUDGED_FROM_ROWS)
    if before is None or pulled < JUDGED_FROM_ROWS:
        return
    gone = [name for name in lost if f"-{name}" not in before.extra_fields]
    if gone:
        raise ContractError(
            f"{stream.source} {stream.name}: {', '.join(gone)} gone from all {pulled:,} rows; "
            f"load {before.load_id} still had it",
            state=_state(loads),
            next_command="map the field's new name in tillmill.toml, then: tillmill run",
        )


def _mostly(why: str) -> str:
    return f"; most of the bad rows: {why}" if why else ""


def _state(loads: Sequence[Load]) -> str:
    landed = f"{len(loads)} earlier loads of this pull stay" if loads else "Nothing has landed"
    return f"{landed}; the cursor has not moved past them."
