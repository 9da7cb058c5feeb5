"""Versions: one transaction publishes, a failed candidate leaves nothing, a pin holds what people see."""

from __future__ import annotations

import polars as pl
import pytest

from ingestion.landing import lake
from ingestion.landing.ledger import Ledger, Load
from tests.ingestion.folder import AT
from tests.ingestion.landing.test_ledger import a_load
from tillmill.errors import TillmillError, UsageError
from tillmill.workspace import Workspace

LINKS = pl.DataFrame(
    {
        "left_record": ["a"],
        "right_record": ["b"],
        "rule": ["member_id"],
        "model_version": ["1"],
        "verdict": ["link"],
        "weight": [1.0],
        "evidence": ["same member"],
        "at": [AT],
    }
)


def learn(workspace: Workspace, ledger: Ledger, candidate: str, run_id: str = "r1") -> Load:
    return lake.land_learnt(workspace, ledger, "customers.links", LINKS, run_id=run_id, candidate=candidate)


def seen(ledger: Ledger, candidate: str | None = None) -> list[str]:
    return ledger.manifest(candidate).filter(pl.col("visible_seq") > 0)["load_id"].to_list()


def test_what_a_candidate_learnt_is_seen_by_it_alone_until_it_is_published(
    workspace: Workspace, ledger: Ledger
) -> None:
    load = learn(workspace, ledger, "c1")
    assert load.state == "pending"
    assert (seen(ledger), seen(ledger, "c2"), seen(ledger, "c1")) == ([], [], [load.load_id])
    assert ledger.candidates() == ["c1"]
    version = ledger.publish("c1", "c1.duckdb", "abc")
    assert seen(ledger) == [load.load_id]
    assert ledger.candidates() == []
    current = ledger.current_version()
    assert current is not None
    assert (current.version, current.file, current.sha256, current.is_pinned) == (version, "c1.duckdb", "abc", False)
    after = ledger.load(load.load_id)
    assert after is not None
    assert after.visible_seq == load.visible_seq


def test_a_discarded_candidate_leaves_neither_loads_nor_files_and_its_number_is_not_given_again(
    workspace: Workspace, ledger: Ledger
) -> None:
    first = learn(workspace, ledger, "c1")
    assert first.file is not None
    assert ledger.discard("c1") == [first.load_id]
    assert ledger.discard("c1") == []
    assert not (workspace.root / first.file).exists()
    assert seen(ledger, "c1") == []
    again = learn(workspace, ledger, "c2")
    assert again.load_id == first.load_id
    assert again.visible_seq is not None
    assert first.visible_seq is not None
    assert again.visible_seq > first.visible_seq
    ledger.publish("c2", "c2.duckdb", "abc")
    assert seen(ledger) == [again.load_id]


def test_landing_a_run_again_is_a_no_op_while_pending_and_once_visible(workspace: Workspace, ledger: Ledger) -> None:
    first = learn(workspace, ledger, "c1")
    assert learn(workspace, ledger, "c1") == first
    ledger.publish("c1", "c1.duckdb", "abc")
    again = learn(workspace, ledger, "c2")
    assert (again.load_id, again.visible_seq, again.state) == (first.load_id, first.visible_seq, "visible")
    assert len(ledger.loads()) == 1


def test_a_second_candidate_cannot_land_while_the_first_has_pending_loads(workspace: Workspace, ledger: Ledger) -> None:
    learn(workspace, ledger, "c1")
    with pytest.raises(TillmillError, match="candidate c1 still has pending loads"):
        learn(workspace, ledger, "c2", run_id="r2")
    assert list(workspace.landing.rglob("*.spool")) == []


def test_a_candidate_with_a_load_not_in_place_is_not_published(ledger: Ledger) -> None:
    ledger.record(a_load(ledger, "learnt", source="tillmill", candidate="c1"))
    with pytest.raises(TillmillError, match="not in place yet"):
        ledger.publish("c1", "c1.duckdb", "abc")
    assert ledger.versions() == []


def test_publishing_the_same_candidate_again_gives_its_number_and_another_file_is_refused(ledger: Ledger) -> None:
    number = ledger.publish("c1", "c1.duckdb", "abc")
    assert ledger.publish("c1", "c1.duckdb", "abc") == number
    with pytest.raises(TillmillError, match="already published"):
        ledger.publish("c1", "other.duckdb", "abc")
    assert [version.file for version in ledger.versions()] == ["c1.duckdb"]


def test_a_pin_holds_what_people_see_while_newer_versions_are_published(ledger: Ledger) -> None:
    first = ledger.publish("c1", "c1.duckdb", "1")
    ledger.publish("c2", "c2.duckdb", "2")
    assert ledger.pin(first).is_pinned
    third = ledger.publish("c3", "c3.duckdb", "3")
    current, latest = ledger.current_version(), ledger.latest_version()
    assert current is not None
    assert latest is not None
    assert (current.file, latest.file, ledger.pinned()) == ("c1.duckdb", "c3.duckdb", first)
    assert [(one.file, one.state, one.is_pinned) for one in ledger.versions()] == [
        ("c3.duckdb", "current", False),
        ("c2.duckdb", "past", False),
        ("c1.duckdb", "past", True),
    ]
    ledger.release()
    released = ledger.current_version()
    assert released is not None
    assert released.version == third


def test_a_version_that_never_was_cannot_be_pinned(ledger: Ledger) -> None:
    assert ledger.current_version() is None
    with pytest.raises(UsageError, match="no published version 7"):
        ledger.pin(7)
    assert ledger.pinned() is None
