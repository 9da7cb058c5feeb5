"""The marts of a brand small enough to add up by hand, built once for all tests of this file."""

from __future__ import annotations

from decimal import Decimal

import duckdb
import pytest

from tests.dbt_project import brand, metrics
from tests.dbt_project.conftest import Warehouse
from tests.dbt_project.lake import at, day

D = Decimal


@pytest.fixture(scope="module")
def built(warehouse: Warehouse) -> Warehouse:
    lake = warehouse.fresh()
    brand.land(lake)
    brand.learn(lake)
    warehouse.build("pass_a")
    # What the customers' room would decide: the sale, the order and the membership with phone 1 or number M1 are one.
    records = warehouse.rows(
        "select record_token, coalesce(member_id_token, phone_token) in ('M1', '1') "
        "from int_identity_records order by 1"
    )
    lake.land(
        "customers.identities",
        [
            {"record_token": token, "customer_id": "C1" if is_first else "C2", "decided_at": at("2017-01-16T12:00")}
            for token, is_first in records
        ],
    )
    warehouse.build()
    return warehouse


def test_an_order_seen_by_shop_and_till_counts_once_and_unpaid_and_suspect_orders_do_not(built: Warehouse) -> None:
    assert built.rows("select sale_id, not_counted_because from fct_sales_line where not is_counted order by 1") == [
        ("A2", "unpaid"),
        ("A3", "suspect"),
        ("B3", "seen twice"),
    ]
    ((units, net),) = built.rows("select sum(units), sum(net_sales_amount) from fct_sales_line where is_counted")
    # Till: 2 + 1 + 3 - 1 units; web: A1 and A4, less one refund of 1.00.
    assert (units, net) == (D("9.000"), D("4") + D("3") + D("6") - D("2") + D("10.01") + D("3") - D("1"))


def test_a_refund_of_a_whole_order_is_shared_out_to_the_cent_on_its_own_date(built: Warehouse) -> None:
    assert built.rows(
        "select line_no, refund_amount, units, sold_on from fct_sales_line where line_kind = 'refund' order by 1"
    ) == [
        (1, D("0.2000"), D("0.000"), day("2017-01-07")),
        (2, D("0.3000"), D("0.000"), day("2017-01-07")),
        (3, D("0.5000"), D("0.000"), day("2017-01-07")),
    ]


def test_the_business_date_is_the_stores_and_not_utc(built: Warehouse) -> None:
    assert built.rows("select distinct sold_on from fct_sales_line where sale_id = 'B2'") == [(day("2017-01-04"),)]


def test_channel_days_add_up_to_the_sales_that_count(built: Warehouse) -> None:
    ((difference, margin),) = built.rows("""
        select
            (select sum(net_sales_amount) from fct_sales_line where is_counted) - sum(net_sales_amount),
            sum(net_sales_amount) - sum(cost_amount) - sum(contribution_margin_1_amount)
        from mart_channel_daily
    """)
    assert (difference, margin) == (0, 0)


def test_a_customer_is_one_over_till_web_and_club(built: Warehouse) -> None:
    assert built.rows("select record_count, is_member, tier, channels from dim_customer where customer_id = 'C1'") == [
        (3, True, "gold", "shop_a,store")
    ]
    assert built.rows(
        "select frequency, monetary_amount, last_order_on from mart_customer_360 where customer_id = 'C1'"
    ) == [(2, D("16.0100"), day("2017-01-05"))]


def test_stock_rolls_forward_and_a_count_that_disagrees_is_the_adjustment(built: Warehouse) -> None:
    days = built.rows("""
        select stock_on, opening_units, in_units, out_units, adjustment_units, closing_units
        from fct_stock_day where location_id = 'S1' order by 1
    """)
    whole = [(on, *(int(units) for units in rest)) for on, *rest in days]
    assert whole == [
        (day("2016-12-26"), 5, 0, 0, 0, 5),
        (day("2016-12-27"), 5, 0, 2, 0, 3),
        (day("2017-01-02"), 3, 0, 0, -1, 2),
        (day("2017-01-03"), 2, 1, 0, 0, 3),
        (day("2017-01-04"), 3, 0, 3, 0, 0),
        (day("2017-01-09"), 0, 0, 0, 0, 0),
        (day("2017-01-10"), 0, 4, 0, 0, 4),
        (day("2017-01-11"), 4, 1, 0, 0, 5),
    ]
    assert built.rows(
        "select location_id, closing_units from fct_stock_day where lot_id = 'L1' "
        "qualify row_number() over (partition by location_id order by stock_on desc) = 1 order by 1"
    ) == [("DC", D("5.000")), ("PLANT", D("0.000"))]


def test_days_with_an_empty_shelf_are_demand_that_could_not_be_seen(built: Warehouse) -> None:
    assert [
        on.day
        for (on,) in built.rows(
            "select demand_on from fct_demand_day where location_id = 'S1' and not is_in_stock order by 1"
        )
    ] == [5, 6, 7, 8, 9]
    assert built.rows(
        "select week_on, units, round(in_stock_rate, 4) from int_demand_weekly "
        "where sku = 'MILK' and channel_id = 'store' order by 1"
    ) == [
        (day("2016-12-26"), D("2.000"), 1.0),
        (day("2017-01-02"), D("3.000"), round(1 - 4 / 7, 4)),
        (day("2017-01-09"), D("0.000"), round(1 - 1 / 7, 4)),
    ]


def test_placements_count_in_stores_that_ever_sold_the_sku(built: Warehouse) -> None:
    assert built.rows(
        "select store_id, units, is_display, is_mailer from int_promotion_weeks where is_display or is_mailer"
    ) == [("S1", D("3.000"), True, False)]


def test_a_counter_that_starts_again_from_zero_counts_on(built: Warehouse) -> None:
    assert built.rows("select counter_units, good_units, planned_minutes from fct_production_run") == [
        (10, D("10.000"), 75.0)
    ]


def test_the_plan_stands_beside_demand_and_load(built: Warehouse) -> None:
    assert built.rows(
        "select week_on, units, demand_units, firm_units, firm_minutes, zone, available_minutes, utilisation_rate "
        "from mart_production_plan order by week_on"
    ) == [
        (day("2017-01-16"), D("0.000"), D("3.000"), D("8.000"), 120.0, "frozen", 480.0, 0.25),
        (day("2017-01-23"), D("12.000"), D("3.000"), D("0.000"), 0.0, "free", 480.0, 0.2),
    ]
    assert built.rows("select receipt_id, units, is_firm from int_planning_receipts") == [("PO2", 8.0, True)]
    assert built.rows("select sku, on_hand_units from int_planning_stock") == [("MILK", 5.0)]


def test_what_is_counted_is_made_whole_and_a_line_minute_costs_what_it_adds(built: Warehouse) -> None:
    assert built.rows(
        "select sku, lot_multiple_units from int_planning_item_policy where sku in ('MILK', 'RAW') order by 1"
    ) == [("MILK", 1.0), ("RAW", None)]
    assert built.rows("select setup_minutes, round(setup_cost, 6) from int_planning_routing") == [(5.0, 0.25)]
    assert built.rows("select distinct round(overtime_cost_per_minute, 6) from int_planning_calendar") == [(0.075,)]


def test_forecast_follows_history_and_carries_the_quantiles(built: Warehouse) -> None:
    assert built.rows("""
        select bucket_on, observed_units, final_units, is_history from mart_forecast
        where sku = 'MILK' and channel_id = 'store' order by 1
    """) == [
        (day("2016-12-26"), D("2.000"), None, True),
        (day("2017-01-02"), D("3.000"), None, True),
        (day("2017-01-09"), D("0.000"), None, True),
        (day("2017-01-16"), None, 3.0, False),
        (day("2017-01-23"), None, 3.0, False),
    ]


def test_data_health_compares_each_stream_with_what_its_source_says(built: Warehouse) -> None:
    assert built.rows(
        "select is_accounted, control_rows_diff, control_amount_diff, is_equal_to_control from mart_data_health "
        "where stream = 'pos.sale_lines'"
    ) == [(True, 0, D("0.0000"), True)]


def test_unit_tests_of_the_models_pass(built: Warehouse) -> None:
    """They are no part of a run, which judges rows: here they run on tables that are there."""
    found = built.artifact("test", "--select", "test_type:unit", name="run_results.json")["results"]
    assert {result["status"] for result in found} == {"pass"}
    assert len(found) >= 17


def test_every_metric_counts_on_the_marts_as_they_are_built(built: Warehouse) -> None:
    with duckdb.connect(str(built.candidate), read_only=True) as connection:
        counted = {name: metrics.value(connection, name) for name in metrics.defined().metrics}
        published = connection.execute("select metric, label, format from mart_metric order by metric").fetchall()
    assert published == [
        (name, of["label"], of["config"]["meta"]["format"]) for name, of in sorted(metrics.defined().metrics.items())
    ]
    # Till: two receipts, one of an order that the shop counts already, one of a return; web: A1 and A4 less a refund.
    assert (counted["net_sales"], counted["orders"], counted["online_sales"]) == (23.01, 4, 12.01)
    assert counted["online_share"] == pytest.approx(12.01 / 23.01)
    # The shop gave a euro back without goods, the till two for a milk.
    assert counted["return_rate"] == pytest.approx(3 / 26.01)
    assert counted["unit_return_rate"] == pytest.approx(1 / 10)
    # One bought at the till and on the web, on two days; the sale of B4 and the order A4 are nobody's.
    assert (counted["buyers"], counted["new_buyers"], counted["repurchase_rate"]) == (2, 2, 0.5)
    assert (counted["on_hand"], counted["stock_value"]) == (10, 10)
    assert (counted["plan_units"], counted["utilisation"]) == (20, pytest.approx((120 + 96) / 960))
    assert (counted["plan_attainment"], counted["equal_streams"]) == (1, 1)
