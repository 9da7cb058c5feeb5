"""The way in as one call: a configured workspace is pulled, checked, protected and landed, and says so."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest

from ingestion.landing import quarantine
from ingestion.landing.ledger import Ledger
from ingestion.privacy.tokens import create_keys
from ingestion.pulling import StreamResult
from ingestion.runner import ingest
from tests.ingestion.folder import landed
from tillmill.errors import UsageError
from tillmill.workspace import SETTINGS_FILE, Workspace, open_workspace

SETTINGS = """
[brand]
name = "Mill"
currency = "USD"
timezone = "America/New_York"

[[sources]]
name = "pos"
connector = "files"
timezone = "America/New_York"
[sources.connection]
url = "drop"
[[sources.streams]]
stream = "pos.stores"
pull = { path = "stores_*.csv", settle_seconds = 0 }
[[sources.streams]]
stream = "pos.sale_lines"
pull = { path = "lines_*.csv", settle_seconds = 0 }
[sources.streams.fields]
sale_id = "basket"
line_kind = { const = "sale" }

[[sources]]
name = "elsewhere"
connector = "files"
[sources.connection]
url = "missing"
[[sources.streams]]
stream = "pos.stores"
pull = { path = "stores_*.csv", settle_seconds = 0 }
"""
MEMBER = "household-2375"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / SETTINGS_FILE).write_text(SETTINGS)
    workspace = open_workspace(tmp_path)
    create_keys(workspace)
    drop = tmp_path / "drop"
    drop.mkdir()
    write(drop / "stores_01.csv", "store_id,name,updated_at\n007,Mill Lane,2017-01-02T00:00:00Z\n")
    write(
        drop / "lines_01.csv",
        "basket,line_no,store_id,sold_at,sku,units,unit_price,net_amount,member_id,coupon_disc\n"
        f"b1,1,007,2017-01-02T09:30:00,00123,2,1.50,3.00,{MEMBER},0.00\n"
        f"b1,2,007,2017-01-02T09:30:00,00456,a few,1.50,3.00,{MEMBER},0.25\n",
    )
    return workspace


def write(path: Path, text: str) -> None:
    """A file that has long been finished."""
    path.write_text(text)
    os.utime(path, (1_490_000_000, 1_490_000_000))


def test_a_configured_workspace_is_pulled_and_every_row_accounted_for(workspace: Workspace) -> None:
    said: list[StreamResult | str] = []
    stores, lines, elsewhere = ingest(workspace, progress=said.append)
    assert (stores.landed, stores.quarantined, stores.error) == (1, 0, None)
    assert (lines.pulled, lines.landed, lines.quarantined, lines.error) == (2, 1, 1, None)
    assert elsewhere.error is not None
    assert len(said) == 6
    with Ledger(workspace.ledger) as ledger:
        rows = landed(workspace, ledger.manifest().filter(pl.col("stream") == "pos.sale_lines"))
        load = ledger.loads("pos", "pos.sale_lines")[0]
    row = rows.to_dicts()[0]
    assert (row["sale_id"], row["sku"], row["store_id"], str(row["net_amount"])) == ("b1", "00123", "007", "3.0000")
    assert row["sold_at"].isoformat() == "2017-01-02T14:30:00+00:00"
    assert row["currency"] == "USD"
    assert load.extra_fields == ("coupon_disc",)
    assert load.watermark_at == row["sold_at"] == lines.watermark_at
    assert quarantine.rows(workspace)["field"].to_list() == ["units"]
    assert [(result.pulled, result.loads) for result in ingest(workspace)[:2]] == [(0, ()), (0, ())]


def test_no_file_of_the_lake_or_the_ledger_holds_a_personal_value_in_the_clear(workspace: Workspace) -> None:
    ingest(workspace)
    kept = [path for path in workspace.root.rglob("*") if path.is_file() and "drop" not in path.parts]
    assert any(path.suffix == ".parquet" and "quarantine" in path.parts for path in kept)
    for path in kept:
        assert MEMBER.encode() not in path.read_bytes()
        if path.suffix == ".parquet":
            assert MEMBER not in str(pl.read_parquet(path).to_dicts())


def test_only_the_streams_named_are_pulled_and_an_unknown_name_is_told(workspace: Workspace) -> None:
    results = ingest(workspace, streams=["pos.sale_lines"])
    assert [(result.source, result.stream) for result in results] == [("pos", "pos.sale_lines")]
    with pytest.raises(UsageError, match=r"has the stream pos\.sale_line\n"):
        ingest(workspace, streams=["pos.sale_line"])


def test_a_stream_nobody_delivers_has_a_typed_file_without_rows(workspace: Workspace) -> None:
    ingest(workspace)
    with Ledger(workspace.ledger) as ledger:
        empty = ledger.manifest().filter(pl.col("visible_seq") == 0)
    assert "scada.readings" in empty["stream"].to_list()


def test_a_pull_without_rows_of_a_stream_that_is_described_anew_says_how_to_read_it_again(workspace: Workspace) -> None:
    """What was read is not asked for again: after a mending, `ingest` alone would bring nothing, and not say why."""
    path = workspace.root / SETTINGS_FILE
    [lines] = ingest(workspace, streams=["pos.sale_lines"])
    assert ingest(workspace, streams=["pos.sale_lines"])[0].news == ()
    path.write_text(SETTINGS.replace('sale_id = "basket"', 'sale_id = "basket"\nunit_price = "net_amount"'))
    mended = open_workspace(workspace.root)
    for _ in range(2):
        [again] = ingest(mended, streams=["pos.sale_lines"])
        [said] = again.news
        assert "its pull or fields were changed since rows last did" in said
        assert said.endswith("tillmill ingest --afresh --source pos --stream pos.sale_lines")
    [whole] = ingest(mended, source="pos", streams=["pos.sale_lines"], afresh=True)
    assert (whole.pulled, whole.news) == (lines.pulled, ())
    assert ingest(mended, streams=["pos.sale_lines"])[0].news == ()


def test_what_unused_names_in_vain_is_news_of_the_run(workspace: Workspace) -> None:
    path = workspace.root / SETTINGS_FILE
    path.write_text(
        SETTINGS.replace('pull = { path = "lines_', 'unused = ["coupn_*", "shelf"]\npull = { path = "lines_')
    )
    [lines] = ingest(open_workspace(workspace.root), streams=["pos.sale_lines"])
    assert lines.news == (
        "no field is called 'coupn_*', which unused names; did you mean 'coupon_disc'?",
        "no field is called 'shelf', which unused names",
    )
    path.write_text(path.read_text().replace("coupn_*", "coupon*"))
    write(
        workspace.root / "drop" / "lines_02.csv",
        "basket,line_no,store_id,sold_at,sku,units,unit_price,net_amount,coupon_disc\n"
        "b2,1,007,2017-01-02T09:30:00,00123,2,1.50,3.00,0.00\n",
    )
    [lines] = ingest(open_workspace(workspace.root), streams=["pos.sale_lines"])
    assert (lines.landed, lines.news) == (1, ()), "one row says little: another may have a shelf"
    with Ledger(workspace.ledger) as ledger:
        assert ledger.loads("pos", "pos.sale_lines")[-1].extra_fields == ()
