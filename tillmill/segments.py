"""What people ask and say of segments: which there are, whom a rule holds for, a new version of a rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl

from customers import segments as room
from customers.segments import Segment
from ingestion.landing.ledger import Ledger
from tillmill import inbox
from tillmill import publish as publishing
from tillmill.errors import UsageError
from tillmill.warehouse import read_table
from tillmill.workspace import Workspace, now, open_workspace

STREAM = "customers.segments"
CUSTOMERS = "mart_customer_360"
# Gives a published table by name. The portal, which has the version open already, brings its own.
Reader = Callable[[str], pl.DataFrame]


@dataclass(frozen=True)
class Preview:
    """Whom a rule holds for in the published version: how many of how many, what they are worth, who can be reached.

    `reachable` counts by medium those who consent to marketing. `sample`: a few customer ids.
    """

    customers: int
    everybody: int
    monetary_amount: float
    expected_value_amount: float
    churn_alarms: int
    reachable: dict[str, int]
    sample: list[str]


def known(root: Path) -> list[Segment]:
    """The newest version of each segment, by id: what was just saved over what has landed over the starters."""
    workspace = open_workspace(root)
    with Ledger(workspace.ledger) as ledger:
        return room.latest(_landed(workspace, ledger), _pending(workspace, ledger))


def find(root: Path, segment_id: str) -> Segment:
    """The newest version of one segment. Raises UsageError naming those there are."""
    found = {segment.segment_id: segment for segment in known(root)}
    if segment_id not in found:
        raise UsageError(
            f"there is no segment {segment_id!r}; there are {', '.join(found)}",
            next_command="tillmill customers segments list",
        )
    return found[segment_id]


def preview(root: Path, rule: str, read: Reader | None = None) -> Preview:
    """Whom the rule holds for. Raises UsageError for a rule that cannot be read, and before the first version."""
    everybody = (read or published(open_workspace(root)))(CUSTOMERS)
    inside = room.members(everybody, rule)
    media = inside["marketing_media"].str.split(",").explode().drop_nulls()
    return Preview(
        inside.height,
        everybody.height,
        float(inside["monetary_amount"].sum()),
        float(inside["expected_value_amount"].sum() or 0),
        int(inside["is_churn_alarm"].sum()),
        {medium: int((media == medium).sum()) for medium in sorted(set(media)) if medium},
        inside["customer_id"].head(5).to_list(),
    )


def overlap(root: Path, read: Reader | None = None) -> pl.DataFrame:
    """left, right, both, share of every two segments, by the published version; see `customers.segments.overlap`."""
    everybody = (read or published(open_workspace(root)))(CUSTOMERS)
    found = {}
    for segment in known(root):
        try:
            found[segment.segment_id] = room.members(everybody, segment.rule).select("customer_id")
        except UsageError:
            continue
    return room.overlap(found)


def save(root: Path, segment_id: str, name: str, rule: str, *, author: str, read: Reader | None = None) -> Segment:
    """Keeps a new version of a segment at once; it lands and is counted with the next run.

    Raises UsageError for a rule, an id or a name that cannot be used, and without an author.
    """
    workspace = open_workspace(root)
    schema = (read or published(workspace))(CUSTOMERS).schema
    segment_id, name, rule = room.checked(segment_id, name, rule, schema)
    with Ledger(workspace.ledger) as ledger:
        newest = {one.segment_id: one for one in room.latest(_landed(workspace, ledger), _pending(workspace, ledger))}
    version = newest[segment_id].version + 1 if segment_id in newest else 1
    row = {
        "segment_id": segment_id,
        "version": version,
        "name": name,
        "rule": room.rule_as_json(rule),
        "author": author.strip(),
        "at": now().isoformat(),
    }
    inbox.say(workspace, STREAM, row, author=author)
    return Segment(segment_id, version, name, rule, author.strip(), is_pending=True)


def published(workspace: Workspace) -> Reader:
    """Reads tables of the published version. Raises UsageError before the first one."""
    version = publishing.read_pointer(workspace.published)
    if version is None:
        raise UsageError("nothing is published yet", next_command="tillmill run")
    return partial(read_table, version.path)


def _landed(workspace: Workspace, ledger: Ledger) -> pl.DataFrame:
    """The current row of each version of each segment."""
    rows = inbox.landed(workspace, ledger, STREAM)
    return rows.unique(["segment_id", "version"], keep="last", maintain_order=True)


def _pending(workspace: Workspace, ledger: Ledger) -> list[Segment]:
    return [
        Segment(
            row["segment_id"],
            int(row["version"]),
            row["name"],
            room.rule_of(row["rule"]),
            row["author"],
            is_pending=True,
        )
        for row in inbox.pending(workspace, ledger, STREAM)
    ]
