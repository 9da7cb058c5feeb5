"""The waterfall of the channels page: it hangs together, and says what it leaves out."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from apps.components.theme import LIGHT
from apps.components.waterfall import waterfall
from apps.i18n import load
from apps.marketing import channel_profit
from apps.queries import profit
from apps.queries.metrics import Metric
from apps.queries.scope import Scope
from apps.queries.warehouse import Warehouse, open_warehouse
from tests.apps import marts
from tests.dbt_project.metrics import defined

WHOLE = Scope(marts.FIRST, marts.FIRST + timedelta(weeks=marts.WEEKS))


class Said:
    """As much of a page's view as the waterfall needs: figures in full."""

    words = load("en")

    def metric(self, name: str) -> Metric:
        return Metric(str(defined().metrics[name]["label"]))

    def money(self, value: float) -> str:
        return f"{value:.2f}"

    money_exact = money


def bars(sums: dict[str, float]) -> list[dict[str, Any]]:
    return channel_profit.rows(Said(), sums)  # type: ignore[arg-type]


def test_each_bar_hangs_from_the_one_before_and_the_sums_stand_on_zero(warehouse: Warehouse) -> None:
    sums = profit.steps(warehouse, WHOLE)
    rows = bars(sums)
    names = [row["name"] for row in rows]
    assert names[0] == "Gross sales"
    assert names[-1] == "Contribution margin 3"
    # Refunds, tax, advertising and the like took nothing here.
    assert "VAT" not in names
    for before, row in pairwise(rows):
        hangs_from = before["end"]
        assert row["start"] == pytest.approx(0.0 if row["is_sum"] else hangs_from)
        if row["is_sum"]:
            assert row["end"] == pytest.approx(hangs_from)


def test_without_an_items_cost_no_margin_is_shown(tmp_path: Path) -> None:
    tables = marts.marts()
    cost = pl.when(pl.col("sku") != "01").then("cost_amount").alias("cost_amount")
    tables["mart_channel_daily"] = tables["mart_channel_daily"].with_columns(cost)
    marts.publish(tmp_path, tables)
    opened = open_warehouse(tmp_path / "published" / "warehouse-test-1.duckdb")
    rows = bars(profit.steps(opened, WHOLE))
    opened.connection.close()
    assert rows[-1]["name"] == "Net sales"


def test_suspects_are_those_placed_in_the_span(warehouse: Warehouse) -> None:
    assert profit.suspects(warehouse, WHOLE) == (2, 42.5)
    assert profit.suspects(warehouse, Scope(date(2017, 8, 14), date(2017, 8, 21))) == (0, 0.0)
    assert profit.suspects(warehouse, Scope(WHOLE.start_on, WHOLE.end_on, channel="store")) == (0, 0.0)


def test_a_loss_is_drawn_left_of_zero() -> None:
    rows = [
        {"name": "a", "start": 0.0, "end": 10.0, "is_sum": True, "text": "", "share": "", "exact": ""},
        {"name": "b", "start": 10.0, "end": -5.0, "is_sum": False, "text": "", "share": "", "exact": ""},
    ]
    spec = waterfall(LIGHT, rows, labels=("a", "b", "c"))
    low, high = spec["layer"][0]["encoding"]["x"]["scale"]["domain"]
    assert low == -5.0
    assert high > 10.0
