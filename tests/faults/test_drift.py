"""Fault 25: a column is new, lost, retyped, renamed; or its name was mistyped to begin with."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest

from ingestion.connectors import own
from ingestion.connectors.connector import Connector
from ingestion.judging import JUDGED_FROM_ROWS
from ingestion.landing.ledger import Cursor, Ledger
from ingestion.privacy.tokens import create_keys
from ingestion.pulling import StreamResult
from ingestion.runner import ingest
from ingestion.sources import CONNECTORS
from tests.ingestion.folder import landed
from tillmill.health import fields
from tillmill.status import status
from tillmill.workspace import SETTINGS_FILE, open_workspace

SETTINGS = """
[brand]
name = "Mill"
currency = "EUR"
timezone = "UTC"
[[sources]]
name = "wms"
connector = "{connector}"
connection = {{ url = "in" }}
[[sources.streams]]
stream = "wms.stock"
pull = {{ path = "*.csv", settle_seconds = 0 }}
[sources.streams.fields]
on_hand_units = "qty"
expiry_on = {expiry}
"""
HEADER = "location_id,sku,lot_id,quality,owner_id,as_of,qty,best_before"


class Feed:
    """A workspace and the files its one source finds."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files = 0
        (root / "in").mkdir()
        self.configure('"best_before"')

    def configure(self, expiry: str, connector: str = "files") -> None:
        (self.root / SETTINGS_FILE).write_text(SETTINGS.format(expiry=expiry, connector=connector))
        self.workspace = open_workspace(self.root)
        create_keys(self.workspace)

    def put(self, header: str = HEADER, *, rows: int = JUDGED_FROM_ROWS, qty: str = "5", last: str = "") -> None:
        """A file of so many rows, the last of them with the values `last` in the place of quantity and date."""
        self.files += 1
        rest = ",2026-05-01" * (header.count(",") - 6)
        lines = [f"L,{self.files},{row},good,-,2026-01-01,{qty}{rest}" for row in range(rows)]
        if last:
            lines[-1] = lines[-1].removesuffix(f"{qty}{rest}") + last
        path = self.root / "in" / f"stock_{self.files}.csv"
        path.write_text("\n".join([header, *lines]) + "\n")
        os.utime(path, (1_775_000_000, 1_775_000_000))

    def pull(self) -> StreamResult:
        (result,) = ingest(self.workspace)
        return result

    def cursor(self) -> Cursor:
        with Ledger(self.workspace.ledger) as ledger:
            return ledger.cursor("wms", "wms.stock")

    def rows(self) -> pl.DataFrame:
        with Ledger(self.workspace.ledger) as ledger:
            return landed(self.workspace, ledger.manifest().filter(pl.col("stream") == "wms.stock"))


@pytest.fixture
def feed(tmp_path: Path) -> Feed:
    return Feed(tmp_path)


def test_fault_25_a_mistyped_field_stops_the_first_load_before_the_cursor_moves(feed: Feed) -> None:
    feed.configure('"bestbefore"')
    feed.put(rows=1)
    error = feed.pull().error or ""
    assert "a field that is in none of the 1 rows: 'bestbefore'; did you mean 'best_before'?" in error
    assert "Nothing has landed; the cursor has not moved" in error
    assert "tillmill sources check wms --stream wms.stock" in error
    assert feed.cursor() == Cursor(None, 0)
    assert feed.rows().is_empty()
    feed.configure('"best_before"')
    assert feed.pull().landed == 1


def test_fault_25_an_optional_field_may_be_missing_and_may_come_and_go(feed: Feed) -> None:
    feed.configure('{ field = "best_before", optional = true }')
    for header in (HEADER.removesuffix(",best_before"), HEADER, HEADER.removesuffix(",best_before")):
        feed.put(header)
        assert feed.pull().error is None
    assert feed.rows()["expiry_on"].null_count() == 2 * JUDGED_FROM_ROWS


def test_fault_25_a_source_that_leaves_nulls_out_lands_and_says_what_it_never_had(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sparse(settings: object, cursor: object) -> object:
        yield {"location_id": "L", "sku": "1", "quality": "good", "as_of": "2026-01-01", "qty": 5} | extra

    extra: dict[str, str] = {"lot_id": "-", "owner_id": "-"}
    monkeypatch.setitem(CONNECTORS, "sparse", own.connector_of(sparse, "sparse"))  # type: ignore[arg-type]
    feed.configure('"best_before"', "sparse")
    first = feed.pull()
    assert (first.landed, first.error) == (1, None)
    assert status(feed.workspace)["streams"][0]["missing_fields"] == {"best_before": "expiry_on"}
    extra["best_before"] = "2026-05-01"
    assert feed.pull().error is None
    assert status(feed.workspace)["streams"][0]["missing_fields"] == {}


def test_fault_25_a_new_column_is_kept_and_reported(feed: Feed) -> None:
    feed.put()
    feed.pull()
    feed.put(f"{HEADER},colour")
    assert feed.pull().error is None
    assert feed.rows()["_extra"].drop_nulls().unique().to_list() == ['{"colour":"2026-05-01"}']
    with Ledger(feed.workspace.ledger) as ledger:
        assert ledger.loads()[-1].extra_fields == ("colour",)


@pytest.mark.parametrize("header", [HEADER.removesuffix(",best_before"), HEADER.replace("best_before", "expires")])
def test_fault_25_a_column_lost_or_renamed_stops_the_stream(feed: Feed, header: str) -> None:
    feed.put()
    feed.pull()
    before = feed.cursor()
    feed.put(header)
    assert "best_before gone from all 100 rows; load wms.stock-wms-00000001 still had it" in (feed.pull().error or "")
    assert feed.cursor() == before
    assert feed.rows().height == JUDGED_FROM_ROWS


def test_fault_25_a_retyped_column_stops_the_stream(feed: Feed) -> None:
    feed.put()
    feed.pull()
    before = feed.cursor()
    feed.put(qty="5 pieces")
    assert "100 of 100 rows do not fit their contract" in (feed.pull().error or "")
    assert feed.cursor() == before


def test_fault_25_a_column_that_is_retyped_slowly_is_told_with_what_it_was_and_is(
    feed: Feed,
) -> None:
    """Too few rows to stop the stream: they would go unseen, and a column of text takes them without a word."""
    for _ in range(2):
        feed.put()
        assert feed.pull().error is None
    feed.put(last="5 pieces,01.05.2026")
    assert feed.pull().quarantined == 1
    with Ledger(feed.workspace.ledger) as ledger:
        found = fields(feed.workspace, ledger).filter(change="retyped")
        third = ledger.loads()[-1]
    assert found.select("field", "column", "old_kind", "new_kind").rows() == [
        ("best_before", "expiry_on", "date yyyy-mm-dd", "date 00.00.yyyy"),
        ("qty", "on_hand_units", "number", "text"),
    ]
    assert found["since_at"].to_list() == [third.ended_at] * 2
    feed.put()
    assert feed.pull().error is None
    with Ledger(feed.workspace.ledger) as ledger:
        assert fields(feed.workspace, ledger).filter(change="retyped").equals(found), "still since the same load"


def test_fault_25_only_sources_with_a_header_are_held_to_it() -> None:
    def of(name: str) -> Connector:
        return CONNECTORS[name]

    assert of("files").states_every_field
    assert not of("rest").states_every_field
