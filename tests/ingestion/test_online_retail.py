"""The second business, real and by configuration alone: every line of Online Retail II is accounted for."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

from ingestion.prepare import prepare
from ingestion.sources import bind
from tests.ingestion.streams import KEYS
from tillmill.workspace import open_workspace

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "seeds" / "samples" / "online_retail"
PUBLISHED = ROOT.parent / "shared" / "data" / "orders" / "online_retail_ii"


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    if not any(SAMPLE.glob("orders/*.gz")):
        pytest.skip("the sample of Online Retail II is not in this checkout")
    root = tmp_path_factory.mktemp("retail") / "workspace"
    shutil.copytree(SAMPLE, root)
    [stream] = bind(open_workspace(root))
    prepared = [prepare(stream, page, KEYS) for page in stream.pages(None)]
    assert all(found.bad.is_empty() for found in prepared)
    return pl.concat(found.good for found in prepared)


def test_every_line_lands_under_a_key_of_its_own(landed: pl.DataFrame) -> None:
    assert landed.height == 525_461
    assert landed.select("sale_id", "line_no").n_unique() == 525_461


def test_odd_lines_are_flagged_not_lost(landed: pl.DataFrame) -> None:
    counted = dict(landed["_flags"].str.split(",").explode().value_counts().rows())
    counted.pop("")
    assert counted == {"zero_price": 3_687, "negative_without_return": 2_121, "full_duplicate": 6_865}
    assert landed["member_id_token"].null_count() == 107_927


def test_sums_equal_the_published_files(landed: pl.DataFrame) -> None:
    """The published file's own sums: 5,432,041 units and 9,539,484.634 pounds."""
    sums = landed.select(pl.col("units").sum(), pl.col("net_amount").sum()).row(0)
    assert [str(value) for value in sums] == ["5432041.000", "9539484.6340"]


def test_lines_equal_the_published_file_row_by_row(landed: pl.DataFrame) -> None:
    if not PUBLISHED.is_dir():
        pytest.skip("the published file is not on this machine")
    published = pl.read_parquet(PUBLISHED / "*.parquet")
    local = pl.col("InvoiceDate").dt.replace_time_zone("Europe/London").dt.convert_time_zone("UTC")
    wanted = published.select(
        sale_id="InvoiceNo",
        sku=pl.col("StockCode").str.strip_chars(),  # one code has a blank at its end
        sold_at=local,
        units=pl.col("Quantity").cast(pl.Decimal(18, 3)),
        unit_price=pl.col("UnitPrice").cast(pl.Decimal(18, 4)),
        store_id="Country",
    )
    assert landed.select(wanted.columns).equals(wanted)
