"""Fault 26: late and backdated rows, corrections, deletes: told by a field, or by absence from a whole list."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ingestion.connectors import own
from ingestion.contracts import contract
from ingestion.contracts.contract import landed_key
from ingestion.landing.ledger import Ledger
from ingestion.privacy.tokens import create_keys
from ingestion.pulling import StreamResult
from ingestion.runner import ingest
from ingestion.sources import CONNECTORS
from tests.ingestion.folder import landed
from tillmill.workspace import SETTINGS_FILE, open_workspace

SETTINGS = """
[brand]
name = "Mill"
currency = "EUR"
timezone = "UTC"
[[sources]]
name = "till"
connector = "{connector}"
connection = {{ url = "in" }}
[[sources.streams]]
stream = "{stream}"
max_quarantined_rate = 1
pull = {{ path = "*.csv", settle_seconds = 0, page_rows = 1 }}
deletes = {deletes}
"""
STORES = contract("pos.stores")


class Feed:
    """A workspace whose one source is a folder of files, or a list that is asked for."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "in").mkdir()
        self.files = 0
        self.configure("{ snapshot = true }")

    def configure(self, deletes: str, connector: str = "files", stream: str = "pos.stores") -> None:
        text = SETTINGS.format(deletes=deletes, connector=connector, stream=stream)
        (self.root / SETTINGS_FILE).write_text(text)
        self.workspace = open_workspace(self.root)
        create_keys(self.workspace)
        self.stream = stream

    def put(self, text: str) -> None:
        """A file, written an hour after the one before."""
        self.files += 1
        path = self.root / "in" / f"{self.files:02d}.csv"
        path.write_text(text)
        os.utime(path, (1_775_000_000 + 3600 * self.files,) * 2)

    def stores(self, names: Iterable[str]) -> None:
        self.put(
            "\n".join(["store_id,name,opened_on", *(f"{name},Shop {self.files},2020-01-01" for name in names)]) + "\n"
        )

    def pull(self) -> StreamResult:
        (result,) = ingest(self.workspace)
        return result

    def current(self) -> dict[tuple[Any, ...], dict[str, Any]]:
        """What staging makes of the lake: the highest version, then load, then row; deleted ones left out."""
        one = contract(self.stream)
        with Ledger(self.workspace.ledger) as ledger:
            rows = landed(self.workspace, ledger.manifest().filter(pl.col("stream") == self.stream))
        last = rows.sort(one.version, "_load_seq", "_row").unique(landed_key(one), keep="last", maintain_order=True)
        alive = last.filter(pl.col("_op") != "delete").to_dicts()
        return {tuple(row[name] for name in landed_key(one)): row for row in alive}

    def names(self) -> set[str]:
        return {key[0] for key in self.current()}


@pytest.fixture
def feed(tmp_path: Path) -> Feed:
    return Feed(tmp_path)


def test_fault_26_what_a_whole_list_no_longer_names_is_deleted_and_may_come_back(feed: Feed) -> None:
    feed.stores(["1", "2", "3"])
    feed.pull()
    feed.stores(["1", "3", "4"])
    result = feed.pull()
    # The tombstone is a row the source said by its silence: pulled, landed, counted.
    assert (result.error, result.pulled, result.landed) == (None, 4, 4)
    assert feed.names() == {"1", "3", "4"}
    feed.stores(["1", "2", "3", "4"])
    feed.pull()
    assert feed.names() == {"1", "2", "3", "4"}


def test_fault_26_of_several_lists_in_one_pull_the_last_one_counts(feed: Feed) -> None:
    feed.stores(["1", "2"])
    feed.stores(["2", "3"])
    feed.stores(["3", "4"])
    assert feed.pull().error is None
    assert feed.names() == {"3", "4"}


def test_fault_26_a_list_cut_short_deletes_nothing(feed: Feed) -> None:
    many = [f"{number:03d}" for number in range(100)]
    feed.stores(many)
    feed.pull()
    feed.stores(many[:79])
    error = feed.pull().error or ""
    assert "21 of 100 rows are missing from a whole list (21%; at most 20% may be)" in error
    assert "None was deleted" in error
    assert len(feed.names()) == 100
    feed.configure("{ snapshot = true, most_share = 0.21 }")
    assert feed.pull().error is None
    assert len(feed.names()) == 79


def test_fault_26_a_list_with_a_row_in_quarantine_deletes_nothing(feed: Feed) -> None:
    feed.stores(["1", "2", "3"])
    feed.pull()
    feed.put("store_id,name,opened_on\n1,Shop,2020-01-01\n2,Shop,someday\n")
    result = feed.pull()
    assert (result.pulled, result.landed, result.quarantined, result.error) == (2, 1, 1, None)
    assert feed.names() == {"1", "2", "3"}


def test_fault_26_a_list_that_is_asked_for_is_asked_for_whole(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    listed: list[str] = ["1", "2", "3"]
    asked: list[object] = []

    def answer(settings: dict[str, Any], cursor: dict[str, Any] | None) -> Any:
        asked.append(cursor)
        yield [{"store_id": name} for name in listed], {"last": listed}

    monkeypatch.setitem(CONNECTORS, "asked", own.connector_of(answer, "asked"))
    feed.configure("{ snapshot = true }", "asked")
    feed.pull()
    listed.remove("2")
    feed.pull()
    assert feed.names() == {"1", "3"}
    assert asked == [None, None]
    listed.clear()
    # An empty answer is taken for a fault of the source, however short the list was.
    assert "2 of 2 rows are missing" in (feed.pull().error or "")
    assert feed.names() == {"1", "3"}


def test_fault_26_personal_keys_are_compared_as_they_land(feed: Feed) -> None:
    feed.configure("{ snapshot = true }", stream="crm.members")
    feed.put("member_id,joined_at,status\na,2020-01-01,active\nb,2020-01-01,active\n")
    feed.pull()
    feed.put("member_id,joined_at,status\na,2020-01-01,active\n")
    assert feed.pull().error is None
    assert len(feed.current()) == 1


@pytest.mark.parametrize("word", ["true", "1", "delete", "Deleted"])
def test_fault_26_a_field_that_says_deleted_makes_a_tombstone_no_older_row_lifts(feed: Feed, word: str) -> None:
    feed.configure('"gone"')
    feed.put("store_id,name,updated_at,gone\n1,Shop,2026-01-01T00:00:00Z,\n2,Shop,2026-01-01T00:00:00Z,\n")
    feed.pull()
    feed.put(f"store_id,name,updated_at,gone\n1,,2026-01-03T00:00:00Z,{word}\n")
    feed.pull()
    assert feed.names() == {"2"}
    feed.put("store_id,name,updated_at,gone\n1,Late,2026-01-02T00:00:00Z,\n2,Older,2025-12-31T00:00:00Z,\n")
    feed.pull()
    assert feed.names() == {"2"}
    assert feed.current()[("2",)]["name"] == "Shop"
