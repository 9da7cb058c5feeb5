"""Segments: named, versioned rules over customers; who is in one, and who is in two."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import polars as pl

from customers.rules import read_rule
from tillmill.errors import UsageError

SEGMENT_ID = re.compile(r"[a-z][a-z0-9_]{0,39}")
# Columns that a rule may not name: an id is nobody's property, and tags are read through columns of their own.
NOT_IN_RULES = ("customer_id", "tags")


@dataclass(frozen=True)
class Segment:
    """One version of one segment; version 0 is what Tillmill brings along, until somebody saves their own."""

    segment_id: str
    version: int
    name: str
    rule: str
    author: str = ""
    is_pending: bool = False


STARTERS = (
    Segment("going_quiet", 0, "Going quiet", "is_churn_alarm and segment in ('champion', 'loyal', 'at risk')"),
    Segment("high_value", 0, "High value to come", "expected_value_amount >= 150 and alive_rate >= 0.8"),
    Segment("new_promising", 0, "New and promising", "segment in ('new', 'promising') and not is_churn_alarm"),
    Segment("by_email", 0, "Members to reach by e-mail", "is_member and marketing_media like '%email%'"),
    Segment("lost", 0, "Lost", "segment = 'lost'"),
)  # fmt: skip


def checked(segment_id: str, name: str, rule: str, columns: pl.Schema) -> tuple[str, str, str]:
    """Return id, name and rule without blanks around; raises UsageError for one that cannot be used.

    Within the rule nothing is tidied: a line break ends a comment, and blanks in a quoted text are part of it.
    """
    if not SEGMENT_ID.fullmatch(segment_id):
        raise UsageError(f"{segment_id!r} is no segment id: a small letter, then small letters, digits, underscores")
    if not name.strip() or len(name) > 80:
        raise UsageError("a segment has a name of 1 to 80 letters")
    read_rule(rule, usable(columns))
    return segment_id, name.strip(), rule.strip()


def usable(columns: pl.Schema) -> pl.Schema:
    """The columns that a rule may name."""
    return pl.Schema({name: dtype for name, dtype in columns.items() if name not in NOT_IN_RULES})


def latest(saved: pl.DataFrame, pending: Sequence[Segment] = ()) -> list[Segment]:
    """Return the newest version of each segment: what is pending over what has landed over the starters, by id.

    `saved`: segment_id, version, name, rule (JSON), author, as customers.segments has them.
    """
    landed = [
        Segment(row["segment_id"], row["version"], row["name"], rule_of(row["rule"]), row["author"] or "")
        for row in saved.sort("segment_id", "version").iter_rows(named=True)
    ]
    newest = {segment.segment_id: segment for segment in STARTERS}
    for segment in [*landed, *pending]:
        if segment.version >= newest.get(segment.segment_id, segment).version:
            newest[segment.segment_id] = segment
    return [newest[name] for name in sorted(newest)]


def rule_as_json(rule: str) -> str:
    """The rule as the contract keeps it."""
    return json.dumps({"where": rule}, ensure_ascii=False)


def rule_of(text: str) -> str:
    """The condition within a kept rule."""
    found: str = json.loads(text)["where"]
    return found


def members(customers: pl.DataFrame, rule: str) -> pl.DataFrame:
    """Return the rows of `customers` that the rule holds for, sorted by customer_id; raises UsageError for the rule."""
    return customers.filter(read_rule(rule, usable(customers.schema))).sort("customer_id")


def overlap(found: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Return left, right, both, share for each pair of segments: `share` of the smaller one is in the other, too."""
    rows = []
    for left, right in combinations(sorted(found), 2):
        both = found[left].join(found[right], on="customer_id", how="semi").height
        smaller = min(found[left].height, found[right].height)
        rows.append((left, right, both, both / smaller if smaller else 0.0))
    schema = {"left": pl.String, "right": pl.String, "both": pl.Int64, "share": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def sizes(customers: pl.DataFrame, segments: Sequence[Segment]) -> pl.DataFrame:
    """Return segment_id, version, customers, monetary_amount, expected_value_amount: a row per segment.

    A rule that can no longer be read, because a column is gone, has no row: it must not keep a version from people.
    """
    rows = []
    for segment in segments:
        try:
            inside = members(customers, segment.rule)
        except UsageError:
            continue
        sums = [inside[name].sum() for name in ("monetary_amount", "expected_value_amount")]
        rows.append((segment.segment_id, segment.version, inside.height, *sums))
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "segment_id": pl.String,
        "version": pl.Int64,
        "customers": pl.Int64,
        "monetary_amount": pl.Decimal(18, 4),
        "expected_value_amount": pl.Decimal(18, 4),
    }
    return pl.DataFrame(rows, schema=schema, orient="row")
