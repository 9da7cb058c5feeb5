"""Segments: previewed before they are kept, versioned, pending until a run, and counted in every version."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from customers.segments import STARTERS, Segment, latest, overlap, rule_as_json, sizes
from ingestion.landing.ledger import Ledger
from tests.apps import marts
from tillmill import inbox, segments
from tillmill.actions import create_workspace
from tillmill.errors import UsageError
from tillmill.workspace import open_workspace

ID = "big_spenders"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    create_workspace(tmp_path, marts.SETTINGS)
    return marts.publish(tmp_path, marts.marts())


def test_a_preview_counts_and_keeps_nothing(root: Path) -> None:
    found = segments.preview(root, "monetary_amount > 500")
    assert (found.customers, found.everybody, found.monetary_amount) == (1, 2, 600.0)
    assert [one.segment_id for one in segments.known(root)] == sorted(one.segment_id for one in STARTERS)


def test_a_saved_segment_is_there_at_once_and_each_saving_is_a_version(root: Path) -> None:
    first = segments.save(root, ID, "Big spenders", "monetary_amount > 500", author="kim")
    second = segments.save(root, ID, "Big spenders", " monetary_amount > 300\n", author="lee")
    assert (first.version, second.version, second.rule) == (1, 2, "monetary_amount > 300")
    found = segments.find(root, ID)
    assert (found.version, found.author, found.is_pending) == (2, "lee", True)
    with Ledger(open_workspace(root).ledger) as ledger:
        assert inbox.land(open_workspace(root), ledger) == 2
    found = segments.find(root, ID)
    assert (found.version, found.is_pending, found.rule) == (2, False, "monetary_amount > 300")
    assert segments.save(root, ID, "Big spenders", "monetary_amount > 1", author="kim").version == 3


@pytest.mark.parametrize(
    ("rule", "holds_for"),
    [
        ("monetary_amount > 0 -- who has bought\nand monetary_amount > 500", 1),
        ("monetary_amount > 0\r\n/* who  has */\tand monetary_amount > 500 -- much", 1),
        ("segment = 'at  risk' or segment = 'at\nrisk'", 0),
    ],
)
def test_a_rule_holds_for_the_same_people_once_saved_and_landed(root: Path, rule: str, holds_for: int) -> None:
    """Line breaks end comments and blanks within a text are part of it: a rule is kept as it was written."""
    assert segments.preview(root, rule).customers == holds_for
    assert segments.save(root, ID, "Big spenders", rule, author="kim").rule == rule
    assert segments.find(root, ID).rule == rule
    with Ledger(open_workspace(root).ledger) as ledger:
        inbox.land(open_workspace(root), ledger)
    found = segments.find(root, ID)
    assert (found.is_pending, found.rule) == (False, rule)
    assert segments.preview(root, found.rule).customers == holds_for


def test_a_starter_is_ones_own_once_saved(root: Path) -> None:
    saved = segments.save(root, "lost", "Lost", "recency_days > 200", author="kim")
    assert saved.version == 1
    assert segments.find(root, "lost").rule == "recency_days > 200"


@pytest.mark.parametrize(
    ("segment_id", "name", "rule"),
    [
        ("Big", "Big", "frequency > 1"),
        ("../x", "Big", "frequency > 1"),
        ("big", " ", "frequency > 1"),
        ("big", "Big", "frequency >"),
        ("big", "Big", "customer_id = 'c0'"),
        ("big", "Big", "frequency > (select 1)"),
    ],
)
def test_what_cannot_be_used_is_refused_and_not_kept(root: Path, segment_id: str, name: str, rule: str) -> None:
    with pytest.raises(UsageError):
        segments.save(root, segment_id, name, rule, author="kim")
    assert {one.segment_id for one in segments.known(root)} == {one.segment_id for one in STARTERS}


def test_nobody_saves_without_saying_who(root: Path) -> None:
    with pytest.raises(UsageError, match="who says so"):
        segments.save(root, ID, "Big", "frequency > 1", author="")


def test_before_the_first_version_there_is_nobody_to_count(tmp_path: Path) -> None:
    create_workspace(tmp_path, marts.SETTINGS.split("[clock]")[0])
    with pytest.raises(UsageError, match="nothing is published yet"):
        segments.preview(tmp_path, "frequency > 1")


CUSTOMERS = pl.DataFrame(
    {
        "customer_id": ["a", "b", "c", "d"],
        "frequency": [1, 2, 3, 4],
        "monetary_amount": [1.0, 2.0, 3.0, 4.0],
        "expected_value_amount": [1.0, None, 1.0, 1.0],
    }
)


def test_a_rule_that_no_longer_holds_keeps_no_version_from_people() -> None:
    known = [Segment("now", 1, "Now", "frequency >= 3"), Segment("gone", 4, "Gone", "a_column_of_old = 1")]
    found = sizes(CUSTOMERS, known)
    assert found.select("segment_id", "version", "customers").rows() == [("now", 1, 2)]
    assert float(found["monetary_amount"].item()) == 7.0


def test_overlap_is_a_share_of_the_smaller_one() -> None:
    parts = {"ab": CUSTOMERS.head(2), "bcd": CUSTOMERS.tail(3), "none": CUSTOMERS.clear()}
    assert overlap(parts).rows() == [("ab", "bcd", 1, 0.5), ("ab", "none", 0, 0.0), ("bcd", "none", 0, 0.0)]


def test_the_newest_version_stands_whatever_the_order_of_rows() -> None:
    rows = [("x", 2, "X", rule_as_json("frequency > 2"), "kim"), ("x", 1, "X", rule_as_json("frequency > 1"), None)]
    saved = pl.DataFrame(rows, schema=["segment_id", "version", "name", "rule", "author"], orient="row")
    found = {one.segment_id: one for one in latest(saved)}
    assert (found["x"].version, found["x"].rule) == (2, "frequency > 2")
    assert found["lost"].version == 0
