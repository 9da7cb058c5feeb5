"""What comes back: the rates are as they are defined, in units and in money, by product and together."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from apps.marketing import returns as page
from apps.queries import returns, sales
from apps.queries.scope import Scope
from apps.queries.warehouse import Warehouse, open_warehouse
from tests.apps import marts
from tests.dbt_project.metrics import Span, value

SPAN = Scope(marts.FIRST + timedelta(weeks=12), marts.FIRST + timedelta(weeks=16))


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tests' marts, and three returns: of goods, of money alone, and at a till."""
    tables = marts.marts()
    lines = tables["fct_sales_line"]
    first, second = (
        lines.filter(pl.col("sku") == sku, pl.col("channel_id") == "shop_a", pl.col("sold_on") >= SPAN.start_on)
        .sort("sold_on", "sales_line_id")
        .head(1)
        for sku in ("01", "02")
    )  # fmt: skip
    slip = lines.filter(pl.col("channel_id") == "store", pl.col("sold_on") >= SPAN.start_on).head(1)
    money = ("net_sales_amount", "net_sales_with_tax_amount")

    def back(line: pl.DataFrame, kind: str, units: float, share: float) -> pl.DataFrame:
        return line.with_columns(
            pl.col("sales_line_id") + ":back",
            line_kind=pl.lit(kind),
            units=pl.lit(-units).cast(line.schema["units"]),
            **{name: (pl.col(name).cast(pl.Float64) * -share).cast(line.schema[name]) for name in money},
        )

    rows = [back(first, "refund", 2, 1), back(second, "refund", 0, 0.5), back(slip, "return", 1, 0.5)]
    tables["fct_sales_line"] = pl.concat([lines, *rows])
    return marts.publish(tmp_path_factory.mktemp("returns"), tables)


@pytest.fixture(scope="module")
def opened(published: Path) -> Iterator[Warehouse]:
    warehouse = open_warehouse(published / "published" / "warehouse-test-1.duckdb")
    yield warehouse
    warehouse.connection.close()


def test_the_rates_are_those_that_are_defined(opened: Warehouse) -> None:
    found = page.whole(returns.by_product(opened, SPAN))
    span = Span(SPAN.start_on, SPAN.end_on)
    defined = {
        name: value(opened.connection, metric, span)
        for name, metric in (
            ("unit_rate", "unit_return_rate"), ("rate", "return_rate"), ("returned_units", "returned_units"),
            ("units", "units_before_returns"), ("returned_sales", "returned_sales"), ("sales", "sales_before_returns"),
        )
    }  # fmt: skip
    assert found == pytest.approx(defined)
    assert found["returned_units"] == 3


def test_a_product_is_judged_by_what_came_back_of_it_alone(opened: Warehouse) -> None:
    rows = {row["sku"]: row for row in returns.by_product(opened, SPAN).iter_rows(named=True)}
    assert rows["02"]["returned_units"] == 0
    assert rows["02"]["returned_sales"] > 0
    web = {
        row["sku"]: row for row in returns.by_product(opened, Scope(SPAN.start_on, SPAN.end_on, "shop_a")).to_dicts()
    }
    assert web["01"]["returned_units"] == 2
    before = returns.by_product(opened, SPAN.before())
    assert before.select("returned_units", "returned_sales").sum().row(0) == (0, 0)
    assert before["units"].sum() > 0


def test_places_together_return_what_products_do(opened: Warehouse) -> None:
    places, products = sales.by_place(opened, SPAN), returns.by_product(opened, SPAN)
    assert places.select("sold", "returned").sum().row(0) == pytest.approx(
        products.select("sales", "returned_sales").sum().row(0)
    )


@pytest.mark.parametrize(("language", "said"), [("en", "What comes back"), ("zh", "退货")])
def test_the_channels_page_has_a_table_of_returns_where_something_came_back(
    published: Path, full: Path, language: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for root, is_there in ((published, True), (full, False)):
        monkeypatch.setenv("TILLMILL_WORKSPACE", str(root))
        at = AppTest.from_string("from apps.marketing.channels import page\npage()", default_timeout=60)
        at.query_params["lang"], at.query_params["period"] = language, "4w"
        at.run()
        assert not at.exception
        assert any(said in one.value for one in at.markdown) == is_there
