"""The ledger of decisions: what was expected of each when it was taken, and what it brought."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ingestion.contracts.columns import MOST_AMOUNT
from ingestion.landing.ledger import Ledger
from tillmill import inbox
from tillmill import publish as publishing
from tillmill.errors import UsageError
from tillmill.segments import Reader
from tillmill.warehouse import read_table, tables
from tillmill.workspace import Workspace, now, open_workspace

STREAM = "tillmill.decisions"
MART = "mart_decision"
LIST = "tillmill decisions list"
# Of the first two the warehouse measures what they brought; of the others people say it.
MEASURED = ("promotion", "activation")
KINDS = (*MEASURED, "price", "assortment", "stock", "production", "other")


@dataclass(frozen=True)
class Decision:
    """One decision; amounts are in the workspace's currency. `subject`: what it is about, of a promotion its id, of an
    activation the id of the export. `realised_by` is `stated`, `measured`, or '' while nothing is known."""

    decision_id: str
    kind: str
    subject: str
    author: str
    at: datetime
    expected_amount: float | None
    basis: str
    realised_amount: float | None
    realised_at: datetime | None
    realised_by: str
    is_pending: bool

    @property
    def state(self) -> str:
        """pending: said since the published version; open: nothing known of what it brought; stated or measured."""
        return "pending" if self.is_pending else self.realised_by or "open"

    @property
    def deviation_amount(self) -> float | None:
        """What it brought beyond what was expected; None while one of both is not known."""
        if self.expected_amount is None or self.realised_amount is None:
            return None
        return self.realised_amount - self.expected_amount


def record(root: Path, kind: str, subject: str, *, expected_amount: float, basis: str, author: str) -> Decision:
    """Keeps a decision with what is expected of it; it stands in the ledger from the next run on.

    Raises UsageError for another kind, without a subject, a basis or an author, and for an amount that is none; then
    nothing is kept.
    """
    if kind not in KINDS:
        raise UsageError(f"no kind {kind!r} of decision; there are {', '.join(KINDS)}")
    for text, why in ((subject, "a decision needs its subject"), (basis, "an expectation needs its basis")):
        if not text.strip():
            raise UsageError(f"{why}: whoever looks back asks for it", state="Nothing was kept.")
    _checked(expected_amount)
    workspace = open_workspace(root)  # which sets the clock
    kept = Decision(
        uuid.uuid4().hex[:12],
        kind,
        subject.strip(),
        author.strip(),
        now(),
        expected_amount,
        basis.strip(),
        realised_amount=None,
        realised_at=None,
        realised_by="",
        is_pending=True,
    )
    return _say(workspace, kept, author)


def settle(root: Path, decision_id: str, realised_amount: float, *, by: str, read: Reader | None = None) -> Decision:
    """Says what a decision brought; it stands before what is measured. Raises UsageError for one that is not known."""
    found = {one.decision_id: one for one in known(root, read)}
    if decision_id not in found:
        raise UsageError(f"there is no decision {decision_id!r}", state="Nothing was kept.", next_command=LIST)
    _checked(realised_amount)
    said = replace(
        found[decision_id], realised_amount=realised_amount, realised_at=now(), realised_by="stated", is_pending=True
    )
    return _say(open_workspace(root), said, by)


def known(root: Path, read: Reader | None = None) -> list[Decision]:
    """Every decision as the published version has it, and over that what was said since; the newest first.

    `read` gives the published tables; without it and before the first version with a ledger, only what was said counts.
    """
    workspace = open_workspace(root)
    newest = {row["decision_id"]: _published(row) for row in _ledger(workspace, read)}
    with Ledger(workspace.ledger) as ledger:
        for row in inbox.landed(workspace, ledger, STREAM).to_dicts():
            said, seen = _said(row), newest.get(row["decision_id"])
            if seen is None or (said.realised_by and seen.realised_by != "stated"):
                newest[said.decision_id] = said
        for row in inbox.pending(workspace, ledger, STREAM):
            newest[row["decision_id"]] = _said(row)
    return sorted(newest.values(), key=lambda one: (one.at, one.decision_id), reverse=True)


def _ledger(workspace: Workspace, read: Reader | None) -> list[dict[str, Any]]:
    if read is not None:
        return read(MART).to_dicts()
    version = publishing.read_pointer(workspace.published)
    if version is None or MART not in tables(version.path):
        return []
    return read_table(version.path, MART).to_dicts()


def _say(workspace: Workspace, one: Decision, author: str) -> Decision:
    is_stated = one.realised_by == "stated"
    row = {
        "decision_id": one.decision_id,
        "kind": one.kind,
        "subject": one.subject,
        "author": one.author,
        "at": one.at.isoformat(),
        "expected_amount": one.expected_amount,
        "basis": one.basis,
        "realised_amount": one.realised_amount if is_stated else None,
        "realised_at": one.realised_at.isoformat() if is_stated and one.realised_at else None,
    }
    inbox.say(workspace, STREAM, row, author=author)
    return one


def _published(row: Mapping[str, Any]) -> Decision:
    day = row["realised_on"]
    return Decision(
        row["decision_id"],
        row["kind"],
        row["subject"],
        row["author"] or "",
        row["decided_at"],
        _amount(row["expected_amount"]),
        row["basis"] or "",
        _amount(row["realised_amount"]),
        datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None,
        row["realised_by"] or "",
        is_pending=False,
    )


def _said(row: Mapping[str, Any]) -> Decision:
    """What was said and no published version shows yet."""
    realised = _amount(row.get("realised_amount"))
    return Decision(
        row["decision_id"],
        row["kind"],
        row["subject"],
        row.get("author") or "",
        _moment(row["at"]),
        _amount(row.get("expected_amount")),
        row.get("basis") or "",
        realised,
        _moment(row["realised_at"]) if row.get("realised_at") else None,
        "" if realised is None else "stated",
        is_pending=True,
    )


def _amount(value: Any) -> float | None:
    return None if value is None else float(value)


def _moment(value: datetime | str) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def _checked(amount: float) -> None:
    if not abs(amount) <= float(MOST_AMOUNT):
        raise UsageError(f"{amount} is no amount within {MOST_AMOUNT:,} either way", state="Nothing was kept.")
