"""Own sources: any iterator of dicts or frames lands like a built-in source, found by its entry point."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ingestion.connectors import own
from ingestion.connectors.page import Page
from ingestion.landing.ledger import Ledger
from ingestion.privacy.tokens import create_keys
from ingestion.runner import ingest
from tests.ingestion.folder import landed, make_workspace
from tillmill.errors import SettingsError, SourceError
from tillmill.workspace import SETTINGS_FILE, open_workspace

PACKAGE = """
def stock(settings, cursor):
    day = (cursor or {}).get("day", 0)
    while day < settings["days"]:
        day += 1
        about = {"location": settings["site"], "on": f"2026-01-{day:02d}"}
        yield [about | {"sku": f"{n:05d}", "qty": n} for n in range(3)], {"day": day}

def broken(settings, cursor):
    yield 42

NOTHING = 1
"""
ENTRY_POINTS = """[tillmill.connectors]
old_wms = old_wms_source:stock
broken = old_wms_source:broken
nothing = old_wms_source:NOTHING
gone = no_such_module:stock
"""
SETTINGS = """
[brand]
name = "Mill"
currency = "EUR"
timezone = "UTC"
[[sources]]
name = "wms"
connector = "{connector}"
connection = {{ site = "env:OLD_WMS_SITE" }}
[[sources.streams]]
stream = "wms.stock"
pull = {{ days = {days} }}
[sources.streams.fields]
location_id = "location"
on_hand_units = "qty"
as_of = "on"
lot_id = {{ const = "-" }}
quality = {{ const = "good" }}
owner_id = {{ const = "-" }}
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package as pip would have installed it: a module, and the metadata that names its entry points."""
    folder = tmp_path / "site"
    told = folder / "old_wms_source-1.0.dist-info"
    told.mkdir(parents=True)
    (folder / "old_wms_source.py").write_text(PACKAGE)
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: old-wms-source\nVersion: 1.0\n")
    (told / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("OLD_WMS_SITE", "Lyon")
    own.installed.cache_clear()
    yield
    own.installed.cache_clear()
    sys.modules.pop("old_wms_source", None)


def pages_of(*yielded: Any, cursor: dict[str, Any] | None = None) -> list[Page]:
    connector = own.connector_of(lambda settings, cursor: iter(yielded), "mine")
    return list(connector.pages(None, own.Anything(), own.Anything(), cursor))  # type: ignore[arg-type]


@pytest.mark.usefixtures("package")
def test_an_installed_function_is_a_source_that_goes_on_where_it_was(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "mill").root
    pulled = []
    for days in (2, 2, 3):
        (root / SETTINGS_FILE).write_text(SETTINGS.format(connector="old_wms", days=days))
        workspace = open_workspace(root)
        create_keys(workspace)
        (result,) = ingest(workspace)
        pulled.append((result.pulled, result.landed, result.error))
    assert pulled == [(6, 6, None), (0, 0, None), (3, 3, None)]
    with Ledger(workspace.ledger) as ledger:
        rows = landed(workspace, ledger.manifest().filter(pl.col("stream") == "wms.stock"))
    assert rows["location_id"].unique().to_list() == ["Lyon"]
    assert rows["sku"].unique().sort().to_list() == ["00000", "00001", "00002"]


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize(
    ("connector", "said"),
    [
        ("nothing", r"own source 'nothing' \(old_wms_source:NOTHING\) is neither a function nor a Connector"),
        ("gone", "cannot be imported: No module named 'no_such_module'"),
        ("old_vms", "no connector is called 'old_vms'; did you mean 'old_wms'?"),
    ],
)
def test_one_that_cannot_be_used_is_named(tmp_path: Path, connector: str, said: str) -> None:
    root = make_workspace(tmp_path / "mill").root
    (root / SETTINGS_FILE).write_text(SETTINGS.format(connector=connector, days=1))
    workspace = open_workspace(root)
    create_keys(workspace)
    with pytest.raises(SettingsError, match=said):
        ingest(workspace)


def test_dicts_lists_and_frames_become_pages_of_text() -> None:
    told = {
        "id": 1,
        "price": Decimal("1.50"),
        "at": datetime(2026, 1, 2, 3, tzinfo=UTC),
        "ok": True,
        "to": {"city": "Lyon"},
    }
    frame = pl.DataFrame({"id": [2], "on": [date(2026, 1, 2)], "tags": [["a"]]})
    (page,) = pages_of(told, [{"id": 3}], frame, {"id": None, "_row": "7"})
    assert page.records["id"].to_list() == ["1", "3", "2", None]
    assert page.records.row(0, named=True) == {
        "id": "1", "price": "1.50", "at": "2026-01-02T03:00:00+00:00", "ok": "true", "to.city": "Lyon",
        "on": None, "tags": None, "_row_": None,
    }  # fmt: skip
    assert page.records["tags"].to_list()[2] == '["a"]'
    assert all(dtype == pl.String for dtype in page.records.dtypes)


def test_a_cursor_ends_its_page_and_many_records_are_cut_into_pages() -> None:
    found = pages_of([{"id": 1}], ([{"id": 2}], {"n": 2}), {"id": 3}, cursor={"n": 0})
    assert [(page.records.height, page.cursor) for page in found] == [(2, {"n": 2}), (1, {"n": 2})]
    many = pages_of(*({"id": number} for number in range(own.PAGE_ROWS + 1)))
    assert [page.records.height for page in many] == [own.PAGE_ROWS, 1]
    assert [page.cursor for page in many] == [{}, {}]


@pytest.mark.parametrize(
    ("yielded", "said"),
    [
        (42, "mine yields int"),
        ([1, 2], "mine yields list"),
        (([{"id": 1}], {"at": datetime(2026, 1, 1, tzinfo=UTC)}), "is not JSON"),
        (([{"id": 1}], {"at": float("nan")}), "is not JSON"),
        (([{"id": 1}], 3), "is int, not a dict"),
    ],
)
def test_what_is_no_record_or_no_cursor_stops_the_source(yielded: Any, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        pages_of(yielded)
