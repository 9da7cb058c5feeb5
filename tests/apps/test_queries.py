"""The portal's questions get the right answers, and cannot be made to do anything else."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from apps.queries import customers, demand, health, inventory, promotions, sales, service, supply
from apps.queries.scope import Scope
from apps.queries.warehouse import QueryError, Warehouse, open_warehouse
from tests.apps import marts, supply_marts

WHOLE = Scope(marts.FIRST, marts.LAST_WEEK)
LATER = Scope(marts.FIRST + timedelta(weeks=12), marts.FIRST + timedelta(weeks=16))


def test_suspected_and_sell_in_lines_stay_out_of_sales(warehouse: Warehouse) -> None:
    weeks = sales.weekly(warehouse, WHOLE)
    assert weeks["net"].sum() == pytest.approx(2 * (16 * (10 + 11 + 12) + 4 * 5))
    assert weeks["orders"].sum() == 2 * 16 * 3


def test_filters_narrow_sales_to_channel_region_and_category(warehouse: Warehouse) -> None:
    assert sales.weekly(warehouse, replace(WHOLE, channel="shop_a"))["channel_id"].unique().to_list() == ["shop_a"]
    assert sales.weekly(warehouse, replace(WHOLE, region="North"))["channel_id"].unique().to_list() == ["store"]
    cheese = sales.weekly(warehouse, replace(WHOLE, category=marts.HOSTILE_CATEGORY))
    assert cheese["net"].sum() == pytest.approx(2 * 16 * 12)


def test_sql_in_a_filter_is_only_a_name_that_nothing_has(warehouse: Warehouse) -> None:
    assert sales.weekly(warehouse, replace(WHOLE, channel="x' or '1'='1")).is_empty()


def test_movers_compare_with_the_equal_span_before(warehouse: Warehouse) -> None:
    movers = sales.by_product(warehouse, LATER)
    first = movers.row(0, named=True)
    assert (first["sku"], first["name"], first["net_before"], first["net"]) == ("01", "Milk 1 l", 80, 120)
    assert first["moved"] == 40
    assert first["rate"] == pytest.approx(0.5)


def test_places_keep_each_channel_apart(warehouse: Warehouse) -> None:
    places = sales.by_place(warehouse, LATER)
    assert set(places["location_id"]) == {"S1", "-"}
    assert places["orders"].sum() == 4 * 3 * 2


def test_a_web_shop_that_sells_into_several_regions_is_one_place(tmp_path: Path) -> None:
    tables = marts.marts()
    in_the_south = (pl.col("channel_id") == "shop_a") & (pl.col("sku") == "01")
    region = pl.when(in_the_south).then(pl.lit("South")).otherwise("region").alias("region")
    tables["fct_sales_line"] = tables["fct_sales_line"].with_columns(region)
    opened = _published(tmp_path, tables)
    places = sales.by_place(opened, LATER)
    opened.connection.close()
    assert places.filter(channel_id="shop_a").select("location_id", "region").rows() == [("-", None)]


def test_a_week_that_ends_before_its_usual_last_day_is_not_whole(tmp_path: Path) -> None:
    tables = marts.marts()
    lines = tables["fct_sales_line"]
    last = date(2017, 11, 28)
    tables["fct_sales_line"] = lines.filter(pl.col("sold_on") <= last)
    opened = _published(tmp_path, tables)
    bounds = sales.bounds(opened).row(0, named=True)
    opened.connection.close()
    assert bounds["last_on"] == last
    assert bounds["whole_until"] == date(2017, 11, 27)


def test_a_week_that_has_come_to_its_usual_last_day_is_whole(warehouse: Warehouse) -> None:
    bounds = sales.bounds(warehouse).row(0, named=True)
    assert bounds["whole_until"] == bounds["last_on"] + timedelta(days=7 - bounds["last_on"].weekday())


def test_repurchase_looks_back_over_a_window_of_the_span(warehouse: Warehouse) -> None:
    weeks = customers.repurchase(warehouse, LATER)
    assert weeks["week_on"].to_list() == LATER.week_starts()
    assert weeks["rate"].to_list() == [1.0] * 4


def _published(root: Path, tables: dict[str, pl.DataFrame]) -> Warehouse:
    marts.publish(root, tables)
    return open_warehouse(root / "published" / "warehouse-test-1.duckdb")


def test_buyers_are_resolved_people(warehouse: Warehouse) -> None:
    spans = customers.buyers(warehouse, LATER)
    assert spans.filter("is_now")["buyers"].item() == 2
    assert customers.segments(warehouse, WHOLE)["customers"].sum() == 2
    assert customers.listed(warehouse, WHOLE, "at risk")["customer_id"].to_list() == ["c1"]


def test_new_buyers_are_those_whose_first_order_lies_in_the_span(warehouse: Warehouse) -> None:
    opening = Scope(marts.FIRST, marts.FIRST + timedelta(weeks=1))
    assert customers.buyers(warehouse, opening).filter("is_now")["new_buyers"].item() == 2
    assert customers.buyers(warehouse, LATER).filter("is_now")["new_buyers"].item() == 0


def test_a_promotion_is_judged_by_its_interval(warehouse: Warehouse) -> None:
    runs = promotions.runs(warehouse, kind=None, verdict=None, category=None)
    assert dict(runs.select("promotion_id", "state").iter_rows()) == {
        "a": "lifted",
        "b": "unclear",
        "c": "not_measurable",
        "d": "not_measurable",
    }
    assert promotions.runs(warehouse, kind=None, verdict="lifted", category=None).height == 1


def test_one_series_keeps_its_own_quantiles(warehouse: Warehouse) -> None:
    ahead = demand.future(warehouse, channel=None, category=None, sku="01")
    assert ahead["final_units"].to_list() == [12, 13, 14, 15]
    assert ahead["q95"].to_list() == pytest.approx([16, 17, 18, 19])
    assert ahead["q10"].to_list() == pytest.approx([9, 10, 11, 12])


def test_bands_of_a_sum_follow_how_the_series_move_together(warehouse: Warehouse) -> None:
    """02 and 03 move in step, so their bands add up; 01 moves against them, so all three together are narrower."""
    in_step = _forecast_of(warehouse, "02", "03")
    assert in_step == pytest.approx(8.0)
    everything = demand.future(warehouse, channel=None, category=None, sku=None).row(0, named=True)
    assert everything["final_units"] == 36
    assert everything["q95"] - everything["final_units"] < 12


def _forecast_of(warehouse: Warehouse, *skus: str) -> float:
    root = Path(str(warehouse.connection.execute("select current_database()").fetchone()))
    assert root
    rows = warehouse.rows("select * from mart_forecast").filter(pl.col("sku").is_in(skus))
    own = Warehouse(
        _memory({"mart_forecast": rows, "dim_product": warehouse.rows("select * from dim_product")}), frozenset()
    )
    first = demand.future(own, channel=None, category=None, sku=None).row(0, named=True)
    return float(first["q95"] - first["final_units"])


def _memory(tables: dict[str, pl.DataFrame]):  # type: ignore[no-untyped-def]
    import duckdb

    connection = duckdb.connect()
    for name, rows in tables.items():
        connection.register("rows", rows.to_arrow())
        connection.execute(f"create table {name} as select * from rows")
        connection.unregister("rows")
    return connection


def test_items_compare_as_many_weeks_past(warehouse: Warehouse) -> None:
    items = demand.items(warehouse, from_on=marts.FIRST, channel=None, category=None)
    milk = items.filter(pl.col("sku") == "01").row(0, named=True)
    assert (milk["next_units"], milk["next_weeks"]) == (54, 4)
    assert milk["last_units"] == pytest.approx(sum(10 + week % 3 for week in range(12, 16)))


def test_the_running_week_is_not_counted_as_ahead(warehouse: Warehouse) -> None:
    later = marts.LAST_WEEK + timedelta(weeks=1)
    milk = demand.items(warehouse, from_on=later, channel=None, category=None).filter(sku="01").row(0, named=True)
    assert (milk["next_units"], milk["next_weeks"]) == (42, 3)
    assert milk["last_units"] == pytest.approx(sum(10 + week % 3 for week in range(13, 16)))


def test_accuracy_is_that_of_the_published_method_at_the_forecast_level(tmp_path: Path) -> None:
    def score(step: str, level: str, horizon: int, wape: float, **more: object) -> dict[str, object]:
        kept = {"class": "*", "naive_wape": 0.5, "bias": -0.1, "is_published": step == "model", "is_newest": True}
        told = {"level": level, "horizon": horizon, "is_at_lead_time": horizon == 2}
        return {"step": step, "wape": wape, **told, **kept, **more}

    base = "sku,channel_id,location_id"
    scores = [
        score("model", base, 0, 0.4),
        score("model", base, 1, 0.3),
        score("model", base, 2, 0.45),
        score("model", "*", 2, 0.1),
        score("model", base, 2, 0.2, is_newest=False),
        score("promotion plan", base, 2, 0.9),
    ]
    told = pl.DataFrame(scores)
    # In a version from before lead times were looked at, all weeks count together.
    for frame, value in ((told, 0.55), (told.drop("is_at_lead_time"), 0.6)):
        opened = _published(tmp_path / str(value), marts.marts() | {"mart_forecast_accuracy": frame})
        scored = demand.accuracy(opened)
        ahead = demand.accuracy_ahead(opened)
        opened.connection.close()
        assert scored is not None
        assert (scored.value, scored.benchmark, scored.bias) == pytest.approx((value, 0.5, -0.1))
        assert ahead == pytest.approx([0.7, 0.55])


def test_without_scores_there_is_no_accuracy(tmp_path: Path) -> None:
    tables = marts.marts()
    opened = _published(tmp_path, tables | {"mart_forecast_accuracy": tables["mart_forecast_accuracy"].clear()})
    assert demand.accuracy(opened) is None
    assert demand.accuracy_ahead(opened) == []
    opened.connection.close()


def test_firm_orders_are_counted_where_they_are_published_and_none_where_not(tmp_path: Path) -> None:
    tables = marts.marts()
    plan = tables["mart_production_plan"]
    for folder, own in (
        ("with", [pl.lit(7.0).alias("firm_units"), pl.lit(60.0).alias("firm_minutes")]),
        ("without", []),
    ):
        opened = _published(tmp_path / folder, tables | {"mart_production_plan": plan.with_columns(own)})
        week = supply.load(opened, line="L1").row(0, named=True)
        first = supply.plan(opened, line="L1").row(0, named=True)
        opened.connection.close()
        assert (week["firm_units"], week["firm_minutes"]) == ((7, 60) if own else (0, 0))
        assert first["minutes"] == (390 if own else 330)


def test_stock_stands_still_on_days_without_a_booking(warehouse: Warehouse) -> None:
    days = supply.stock_days(warehouse, date(2017, 12, 1), location=None, category=None)
    assert days["closing_units"].to_list() == [15, 5, 12]
    assert days["stock_outs"].to_list() == [0, 1, 0]
    assert days["items"].to_list() == [2, 2, 2]


def test_an_item_nobody_asks_for_is_never_out_of_stock(tmp_path: Path) -> None:
    tables = marts.marts()
    tables["mart_stock_position"] = tables["mart_stock_position"].with_columns(pl.lit(0.0).alias("daily_demand_units"))
    root = marts.publish(tmp_path, tables)
    opened = open_warehouse(root / "published" / "warehouse-test-1.duckdb")
    days = supply.stock_days(opened, date(2017, 12, 1), location=None, category=None)
    opened.connection.close()
    assert days["stock_outs"].to_list() == [0, 0, 0]


def test_stock_that_is_sold_is_never_added_to_ours(tmp_path: Path) -> None:
    opened = _published(tmp_path, supply_marts.with_sold(marts.marts()))
    ours, sold = (
        supply.stock_days(opened, date(2017, 12, 1), is_ours=is_ours, location=None, category=None)
        for is_ours in (True, False)
    )
    places = [
        supply.positions(opened, is_ours=is_ours, location=None, category=None)["location_id"].to_list()
        for is_ours in (True, False)
    ]
    lives = [service.life(opened, is_ours=is_ours, location=None, category=None).height for is_ours in (True, False)]
    opened.connection.close()
    assert ours["closing_units"].to_list() == [15, 5, 12]
    assert sold["closing_units"].to_list() == [10, 0, 7]
    assert places == [["DC", "DC", "DC"], ["S1"]]
    assert lives == [2, 1]


def test_stock_of_a_version_from_before_places_had_an_owner_is_all_ours(tmp_path: Path) -> None:
    tables = marts.marts()
    tables["dim_location"] = tables["dim_location"].drop("is_ours")
    tables["mart_channel_stock"] = tables["mart_channel_stock"].drop("holder_kind")
    opened = _published(tmp_path, tables)
    positions = supply.positions(opened, location=None, category=None).height
    channel = inventory.channel_stock(opened, category=None).height
    opened.connection.close()
    assert (positions, channel) == (3, 2)


def test_the_most_urgent_position_comes_first(warehouse: Warehouse) -> None:
    assert supply.positions(warehouse, location=None, category=None)["sku"].to_list() == ["02", "01", "03"]


def test_distributors_stock_is_that_of_the_last_week_with_trade_the_stuffed_first(warehouse: Warehouse) -> None:
    found = inventory.channel_stock(warehouse, category=None)
    assert found.select("sku", "closing_units", "is_stuffed").rows() == [("02", 37, True), ("01", 1, False)]
    assert inventory.channel_stock(warehouse, category="Milk").height == 2
    assert inventory.channel_stock(warehouse, category=marts.HOSTILE_CATEGORY).is_empty()


def test_among_distributors_stands_no_place_of_our_own_books(tmp_path: Path) -> None:
    opened = _published(tmp_path, supply_marts.with_sold(marts.marts()))
    found = inventory.channel_stock(opened, category=None)
    opened.connection.close()
    assert "S1" not in found["distributor_id"].to_list()


def test_what_nobody_booked_comes_first_among_adjustments(warehouse: Warehouse) -> None:
    found = inventory.adjustments(warehouse)
    assert found.select("sku", "cause", "value_amount").rows() == [("03", "unbooked", -4), ("01", "counted", -2)]


def test_attainment_counts_no_more_than_was_planned(warehouse: Warehouse) -> None:
    made = supply.attainment(warehouse, line=None).row(0, named=True)
    assert (made["attained_units"], made["planned_units"]) == (140, 150)


def test_streams_come_by_system_and_those_without_a_source_apart(warehouse: Warehouse) -> None:
    found = health.streams(warehouse)
    assert found["stream"].to_list() == ["mes.results", "pos.sale_lines", "pos.stores", "wms.stock"]
    assert health.not_connected(warehouse).rows() == [("ads.daily", "ads")]


def test_a_streams_detail_is_its_own(warehouse: Warehouse) -> None:
    one = ("pos", "pos.sale_lines")
    assert health.loads(warehouse, *one)["quarantined_rows"].to_list() == [-3, 2, 3]
    assert health.reasons(warehouse, *one)["reason_rows"].sum() == 2
    assert health.fields(warehouse, *one)["change"].to_list() == ["lost", "retyped", "new"]
    for ask in (health.loads, health.reasons, health.fields):
        assert ask(warehouse, "wms", "pos.sale_lines").is_empty()


@pytest.mark.parametrize(
    "sql",
    [
        "create table mine as select 1",
        "delete from dim_product",
        "select * from read_csv('/etc/hostname')",
        "copy dim_product to 'out.csv'",
        "set enable_external_access = true",
        "attach 'other.duckdb'",
    ],
)
def test_a_published_version_can_only_be_read(warehouse: Warehouse, sql: str) -> None:
    with pytest.raises(QueryError):
        warehouse.rows(sql)


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(QueryError):
        open_warehouse(tmp_path / "missing.duckdb")


def test_a_version_that_is_open_stays_readable_when_its_file_is_taken_away(tmp_path: Path) -> None:
    root = marts.publish(tmp_path, marts.marts())
    opened = open_warehouse(root / "published" / "warehouse-test-1.duckdb")
    (root / "published" / "warehouse-test-1.duckdb").unlink()
    assert sales.weekly(opened, WHOLE)["net"].sum() > 0
    opened.connection.close()
