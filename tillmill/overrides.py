"""What planners say the forecast shall be: kept at once, counted once somebody else approves, until it expires."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from ingestion.landing.ledger import Ledger
from tillmill import inbox
from tillmill.errors import RefusedError, UsageError
from tillmill.segments import Reader, published
from tillmill.workspace import Workspace, now, open_workspace

STREAM = "forecasting.overrides"
FORECAST = "mart_forecast"
PRODUCTS = "dim_product"
REASONS = ("promotion", "listing", "event", "price", "supply", "correction", "other")
LIST = "tillmill forecast overrides"


@dataclass(frozen=True)
class Scope:
    """Which series are meant: one item, category, channel and place each, `*` for all."""

    sku: str = "*"
    category: str = "*"
    channel_id: str = "*"
    location_id: str = "*"

    def as_json(self) -> str:
        named = {name: value for name, value in vars(self).items() if value != "*"}
        return json.dumps(named, ensure_ascii=False, sort_keys=True)

    def __str__(self) -> str:
        return " × ".join(value for value in vars(self).values() if value != "*") or "everything"


@dataclass(frozen=True)
class Override:
    """The newest version of one override: `new` units in each week from `from_on` to `to_on` instead of `old`."""

    override_id: str
    scope: Scope
    from_on: date
    to_on: date
    old: float | None
    new: float
    reason_code: str
    note: str
    author: str
    approved_by: str | None
    expires_at: datetime | None
    is_pending: bool

    @property
    def is_approved(self) -> bool:
        """Whether somebody other than its author said yes: two pairs of eyes."""
        return bool(self.approved_by) and not _same(self.approved_by or "", self.author)


def say(
    root: Path,
    scope: Scope,
    weeks: Mapping[date, float],
    *,
    reason: str,
    note: str,
    author: str,
    expires_on: date | None = None,
    read: Reader | None = None,
) -> list[Override]:
    """Keeps what `weeks` (Monday → units) of the forecast shall be within `scope`; it waits for an approval.

    `expires_on`: the day (of the brand) from which it no longer counts, without it none. `old` is the published
    baseline. Raises UsageError for a week or scope without a forecast, units below zero, and without a reason, a note
    or an author; then nothing is kept.
    """
    workspace = open_workspace(root)
    if reason not in REASONS:
        raise UsageError(f"no reason {reason!r}; there are {', '.join(REASONS)}")
    if not note.strip():
        raise UsageError("an override needs its note: whoever approves it asks for it")
    baselines = baseline(read or published(workspace), scope)
    for week, units in sorted(weeks.items()):
        if week not in baselines:
            known = f"{min(baselines)} to {max(baselines)}" if baselines else "none"
            raise UsageError(
                f"there is no forecast of {scope} for the week of {week}",
                state=f"Weeks that are forecast there: {known}. Nothing was kept.",
            )
        if not 0 <= units < float("inf"):
            raise UsageError(f"the week of {week}: {units} units cannot be asked for", state="Nothing was kept.")
    rows = [
        {
            "override_id": uuid.uuid4().hex[:12],
            "scope": scope.as_json(),
            "from_on": week.isoformat(),
            "to_on": (week + timedelta(days=6)).isoformat(),
            "old": round(baselines[week], 3),
            "new": units,
            "reason_code": reason,
            "note": note.strip(),
            "author": author.strip(),
            "expires_at": _moment(workspace, expires_on),
        }
        for week, units in sorted(weeks.items())
    ]
    for row in rows:
        inbox.say(workspace, STREAM, row, author=author)
    return [_override(row, is_pending=True) for row in rows]


def approve(root: Path, override_ids: Sequence[str], *, by: str) -> list[Override]:
    """Lets overrides count from the next run on. Raises RefusedError where `by` is the author: four eyes."""
    found = _find(root, override_ids)
    for one in found:
        if _same(one.author, by):
            raise RefusedError(
                f"override {one.override_id} is {one.author}'s own: somebody else has to approve it",
                state="Nothing was approved.",
                next_command=f"tillmill forecast approve {one.override_id} --by NAME",
            )
    return [_again(root, replace(one, approved_by=by.strip()), by) for one in found]


def withdraw(root: Path, override_ids: Sequence[str], *, by: str) -> list[Override]:
    """Ends overrides at this moment; what they did until now stays in the record."""
    return [_again(root, replace(one, expires_at=now()), by) for one in _find(root, override_ids)]


def known(root: Path) -> list[Override]:
    """The newest version of each override, what no run has landed yet included; the earliest week first."""
    workspace = open_workspace(root)
    with Ledger(workspace.ledger) as ledger:
        landed = inbox.landed(workspace, ledger, STREAM)
        newest = {row["override_id"]: _override(row, is_pending=False) for row in landed.to_dicts()}
        for row in inbox.pending(workspace, ledger, STREAM):
            newest[row["override_id"]] = _override(row, is_pending=True)
    return sorted(newest.values(), key=lambda one: (one.from_on, str(one.scope), one.override_id))


def baseline(read: Reader, scope: Scope) -> dict[date, float]:
    """Monday → units of the published baseline within `scope`."""
    category = pl.col("category").fill_null("unknown")
    products = read(PRODUCTS).filter("is_current").select("sku", category)
    ahead = read(FORECAST).filter(~pl.col("is_history"), pl.col("freq") == "W").join(products, on="sku", how="left")
    wanted = [pl.col(name) == value for name, value in vars(scope).items() if value != "*"]
    summed = ahead.filter(*wanted).group_by("bucket_on").agg(pl.col("baseline_units").sum()).sort("bucket_on")
    return dict(summed.iter_rows())


def _find(root: Path, override_ids: Sequence[str]) -> list[Override]:
    found = {one.override_id: one for one in known(root)}
    missing = [name for name in override_ids if name not in found]
    if missing or not override_ids:
        raise UsageError(f"there is no override {missing[0]!r}" if missing else "which override?", next_command=LIST)
    return [found[name] for name in override_ids]


def _again(root: Path, one: Override, by: str) -> Override:
    """Keeps a further version of an override, said by `by`."""
    row = {
        **vars(one),
        "scope": one.scope.as_json(),
        "from_on": one.from_on.isoformat(),
        "to_on": one.to_on.isoformat(),
        "expires_at": one.expires_at.isoformat() if one.expires_at else None,
    }
    del row["is_pending"]
    inbox.say(open_workspace(root), STREAM, row, author=by)
    return replace(one, is_pending=True)


def _override(row: Mapping[str, Any], *, is_pending: bool) -> Override:
    expires = row.get("expires_at")
    return Override(
        row["override_id"],
        Scope(**{name: value for name, value in json.loads(row["scope"]).items() if name in Scope.__annotations__}),
        _date(row["from_on"]),
        _date(row["to_on"]),
        row.get("old"),
        float(row["new"]),
        row.get("reason_code") or "other",
        row.get("note") or "",
        row.get("author") or "",
        row.get("approved_by"),
        datetime.fromisoformat(expires) if isinstance(expires, str) else expires,
        is_pending,
    )


def _date(value: date | str) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value


def _moment(workspace: Workspace, day: date | None) -> str | None:
    """The brand's midnight at which `day` begins."""
    if day is None:
        return None
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(workspace.settings.brand.timezone)).isoformat()


def _same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()
