"""A recall, from end to end: what the published tables say of lots and shifts is what is true in the demo."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from demo import world
from tests.e2e.conftest import published

pytestmark = pytest.mark.timeout(900)

CLOCK = datetime(2017, 12, 4, 4, 1, 20, tzinfo=UTC)
RECALL = """
    select distinct trace.lot_id, destination.kind, reached_id
    from mart_lot_trace as trace
    inner join mart_lot_destination as destination
        on trace.into_sku = destination.sku and trace.into_lot_id = destination.lot_id
    where trace.depth > 0 and ends_with in ('customer', 'store')
"""


def asked(workspace: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(published(workspace)), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        return connection.execute(query).fetchall()


def known(workspace: Path, table: str) -> pl.DataFrame:
    """A table of the world as far as it is known at the clock."""
    return world.table(workspace, table).filter(pl.col("known_at") <= CLOCK).collect()


def sent(workspace: Path) -> pl.DataFrame:
    """Where the world's lots ended: batch, kind, reached."""
    moved = known(workspace, "wms.movements")
    orders = moved.filter((pl.col("type") == "shipment") & (pl.col("ref_type") == "order"))
    stores = moved.filter(pl.col("type") == "delivery")
    return pl.concat(
        [
            orders.select("batch", kind=pl.lit("order"), reached="ref_no"),
            stores.select("batch", kind=pl.lit("location"), reached="to_site"),
        ]
    )


def test_the_recall_of_every_component_lot_finds_all_its_orders_and_stores_and_no_other(small_run: Path) -> None:
    used = known(small_run, "mes.consumption").select("component_lot", "batch").unique()
    truth = set(used.join(sent(small_run), on="batch").select("component_lot", "kind", "reached").iter_rows())
    found = set(asked(small_run, RECALL))
    assert len({lot for lot, *_ in truth}) > 100
    assert {kind for _, kind, _ in truth} == {"order", "location"}
    assert found == truth


def test_every_order_leads_back_to_the_lots_that_are_in_it(small_run: Path) -> None:
    truth = set(sent(small_run).filter(kind="order").select("reached", "batch").iter_rows())
    found = set(asked(small_run, "select reached_id, lot_id from mart_lot_destination where kind = 'order'"))
    assert truth
    assert found == truth


def test_what_was_made_of_a_lot_was_sent_or_lies_in_stock(small_run: Path) -> None:
    """Of lots that no count corrected, to the unit."""
    assert asked(small_run, "select count(*) > 100 from fct_production_run") == [(True,)]
    odd = """
        with made as (select sku, lot_id, sum(good_units) as units from fct_production_run group by all),
        gone as (
            select sku, lot_id, sum(case when ends_with = 'in stock' then on_hand_units else units end) as units
            from mart_lot_destination where ends_with <> 'sent on' group by all
        ),
        corrected as (select distinct sku, lot_id from fct_stock_day where adjustment_units <> 0)
        select made.sku, made.lot_id, made.units, gone.units
        from made left join gone on made.sku = gone.sku and made.lot_id = gone.lot_id
        anti join corrected on made.sku = corrected.sku and made.lot_id = corrected.lot_id
        where made.units > 0 and made.units is distinct from gone.units
    """
    assert asked(small_run, odd) == []


def test_shifts_made_and_stood_still_as_the_world_has_it(small_run: Path) -> None:
    """Units of each shift to the piece; of stops those that rang an alarm, to the second."""
    counts = pl.read_parquet(small_run / "truth" / "shift_counts.parquet").filter(pl.col("ended_at") <= CLOCK)
    truth = {
        (line, started): (good, scrap)
        for line, started, good, scrap in counts.select("line_id", "started_at", "good", "scrap").iter_rows()
    }
    found = {
        (line, started): (int(good), int(scrap))
        for line, started, good, scrap in asked(
            small_run, "select line_id, starts_at, good_units, scrap_units from mart_line_oee where is_planned"
        )
    }
    assert found == truth
    runs = known(small_run, "scada.runs")
    stood = runs.filter((pl.col("stop_seconds") >= 180) & (pl.col("started_at") > runs["stops_at"].min()))
    seconds = {name: int(total) for name, total in stood.select("result", "stop_seconds").iter_rows()}
    told = {
        name: round(minutes * 60)
        for name, minutes in asked(
            small_run, "select result_id, stop_minutes from fct_production_run where stop_basis = 'alarms'"
        )
    }
    assert len(seconds) > 10
    assert all(abs(told[name] - true) <= 1 for name, true in seconds.items())


def test_the_counters_of_the_last_shift_agree_with_the_mes(small_run: Path) -> None:
    verdicts = asked(small_run, "select counter_verdict, count(*) from mart_line_oee group by all")
    assert dict(verdicts)["agree"] >= 1
    assert {verdict for verdict, _ in verdicts} <= {"agree", "no counter"}
