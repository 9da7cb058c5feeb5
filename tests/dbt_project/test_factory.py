"""The factory's marts on a mill small enough to add up by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.dbt_project import mill
from tests.dbt_project.conftest import Warehouse

FORWARD = """
    select into_lot_id, kind, reached_id, ends_with
    from mart_lot_trace
    inner join mart_lot_destination as destination on into_sku = destination.sku and into_lot_id = destination.lot_id
    where mart_lot_trace.lot_id = '{}'
    order by 1, 2, 3
"""
BACKWARD = """
    select trace.sku, trace.lot_id, depth
    from mart_lot_trace as trace
    inner join mart_lot_destination as destination on into_sku = destination.sku and into_lot_id = destination.lot_id
    where reached_id = '{}'
    order by depth, 1, 2
"""


@pytest.fixture(scope="module")
def mill_built(warehouse: Warehouse) -> Warehouse:
    mill.land(warehouse.fresh())
    mill.move_device(warehouse.reference)
    warehouse.build("pass_a", "pass_b")
    return warehouse


def _factors(built: Warehouse, line: str) -> tuple[float, ...]:
    ((found),) = built.rows(
        "select round(availability_rate, 4), round(performance_rate, 4), round(quality_rate, 4), round(oee_rate, 4) "
        f"from mart_line_oee where line_id = '{line}'"
    )
    return tuple(found)


def test_oee_with_planned_stops_out_of_planned_time_is_the_published_one(mill_built: Warehouse) -> None:
    """Known answer 17: 373 of 420 minutes, 1.0 s ideal cycle, 19,271 made, 18,848 good; cleaning is no loss."""
    assert _factors(mill_built, "A") == (0.8881, 0.8611, 0.9780, 0.7479)
    assert mill_built.rows(
        "select planned_stop_minutes, planned_minutes, run_minutes, stop_minutes from mart_line_oee where line_id = 'A'"
    ) == [(60.0, 420.0, 373.0, 47.0)]


def test_oee_of_a_line_without_alarms_is_the_published_one(mill_built: Warehouse) -> None:
    """Known answer 18: 420 of 480 minutes, 400 units of a minute, 380 good; the stop follows from the usual speed."""
    assert _factors(mill_built, "B") == (0.8750, 0.9524, 0.9500, 0.7917)
    assert mill_built.rows("select stop_minutes, stop_basis from fct_production_run where line_id = 'B'") == [
        (60.0, "speed")
    ]


def test_counters_and_mes_check_each_other(mill_built: Warehouse) -> None:
    assert mill_built.rows(
        "select line_id, counter_good_units, difference_units, counter_run_minutes, difference_minutes, "
        "counter_verdict from mart_line_oee where line_id between 'A' and 'E' order by 1"
    ) == [
        ("A", Decimal(18848), Decimal(0), 373.0, 0.0, "agree"),
        ("B", Decimal(300), Decimal(-80), 373.0, -47.0, "units differ"),
        ("C", None, None, None, None, "no counter"),
        ("D", None, None, None, None, "no counter"),
        ("E", None, None, None, None, "no counter"),
    ]


def test_a_factor_above_one_is_flagged(mill_built: Warehouse) -> None:
    assert mill_built.rows("select line_id, performance_rate from mart_line_oee where is_above_one") == [("C", 2.0)]


def test_time_without_an_order_is_not_planned_and_time_between_orders_is_waiting(mill_built: Warehouse) -> None:
    assert mill_built.rows(
        "select no_order_minutes, planned_minutes, run_minutes + stop_minutes, waiting_minutes "
        "from mart_line_oee where line_id = 'D'"
    ) == [(270.0, 180.0, 120.0, 60.0)]


def test_work_outside_the_calendar_is_a_shift_of_its_own(mill_built: Warehouse) -> None:
    assert mill_built.rows(
        "select shift_id, is_planned, planned_minutes, good_units from mart_line_oee where line_id = 'E'"
    ) == [("early", False, 60.0, Decimal(5))]
    assert mill_built.rows("select count(*) from mart_line_oee where line_id = 'A'") == [(1,)]


def test_two_alarms_at_once_stop_the_line_once(mill_built: Warehouse) -> None:
    assert mill_built.rows(
        "select kind, reason, minutes from mart_line_downtime where line_id = 'A' order by 1, 2"
    ) == [("planned", "wash says", 60.0), ("stop", "drive says", 7.0), ("stop", "jam says", 40.0)]


def test_downtime_by_reason_adds_up_to_the_shifts_losses(mill_built: Warehouse) -> None:
    assert (
        mill_built.rows("""
        select oee.line_id from mart_line_oee as oee
        left join mart_line_downtime as down on oee.line_id = down.line_id and oee.starts_at = down.starts_at
        group by oee.line_id, oee.starts_at
        having abs(
            coalesce(sum(down.minutes), 0) - max(
                oee.planned_stop_minutes + oee.no_order_minutes + oee.setup_minutes + oee.stop_minutes
                + oee.waiting_minutes
            )
        ) > 0.02
    """)
        == []
    )


def test_a_run_divides_what_it_made(mill_built: Warehouse) -> None:
    assert mill_built.rows(
        "select made_units, scrap_reason, round(first_pass_rate, 4), round(yield_rate, 4), round(ideal_minutes, 2) "
        "from fct_production_run where line_id = 'A'"
    ) == [(Decimal(19271), "seal", 0.9780, 0.9780, 321.18)]


def test_an_orders_plan_counts_once_on_the_day_of_its_planned_end(mill_built: Warehouse) -> None:
    """A plan of two shifts is one plan, one that nothing came of is missed, and so is what is made early or late."""
    assert mill_built.rows(
        "select sku, produced_on::text, good_units::int, planned_units::int, attained_units::int "
        "from int_plan_attainment where line_id = 'P' order by 1"
    ) == [
        ("EARLY", "2017-01-05", 0, 10, 0),
        ("LATE", "2017-01-04", 0, 10, 0),
        ("NEVER", "2017-01-03", 0, 5, 0),
        ("NIGHT", "2017-01-04", 12, 9, 9),
        ("TWICE", "2017-01-03", 7, 7, 7),
        ("UNTIMED", "2017-01-04", 8, 8, 8),
    ]


def test_capability_from_subgroups_is_that_of_hand(mill_built: Warehouse) -> None:
    """Subgroups 10, 12 and 11, 13: variances 2 and 2, sigma √2; mean 11.5 between 5 and 20."""
    for sku in ("X", "*"):
        assert mill_built.rows(
            "select checks, subgroups, mean, round(sigma, 6), sigma_basis, round(cp, 4), round(cpk, 4), "
            f"first_pass_rate from mart_quality where characteristic = 'fill' and line_id = 'A' and sku = '{sku}'"
        ) == [(4, 2, 11.5, 1.414214, "pooled", 1.7678, 1.5321, 0.75)]


def test_capability_of_single_values_is_that_of_the_moving_range(mill_built: Warehouse) -> None:
    """10, 12, 21: ranges 2 and 9, sigma 5.5 ÷ 1.128; mean 14.333; 21 lies outside."""
    assert mill_built.rows(
        "select round(mean, 4), round(sigma, 4), sigma_basis, round(cpk, 4), round(first_pass_rate, 4) "
        "from mart_quality where characteristic = 'force' and sku = 'X'"
    ) == [(14.3333, 4.8759, "moving range", 0.3874, 0.6667)]


def test_an_alarm_knows_what_was_made_measured_and_repaired(mill_built: Warehouse) -> None:
    assert mill_built.rows("""
        select duration_minutes, acknowledge_minutes, work_order_id, lot_id, mwo_id, repair_minutes, cause, is_failure,
            moved_tag, moved_before, moved_during, round(moved_sigmas, 4)
        from fct_event_context where event_id = 'jam'
    """) == [(40.0, 1.0, "WA", "LOT-A", "M1", 39.0, "worn belt", True, "oven", 21.0, 27.0, 4.2426)]
    assert mill_built.rows(
        "select before_readings, before_min, before_max, during_readings, unit from fct_event_reading "
        "where event_id = 'jam' and tag = 'oven'"
    ) == [(2, 20.0, 22.0, 1, "°C")]


def test_a_failure_is_a_stop_that_called_for_a_repair(mill_built: Warehouse) -> None:
    """MTBF = run minutes ÷ failures, MTTR = minutes until it ran again ÷ failures."""
    assert mill_built.rows("select event_id from fct_event_context where is_failure and line_id = 'A'") == [("jam",)]
    assert mill_built.rows(
        "select run_minutes / failures, repair_minutes / failures from mart_line_oee where line_id = 'A'"
    ) == [(373.0, 40.0)]


def test_devices_that_number_their_alarms_alike_keep_their_own_repairs(mill_built: Warehouse) -> None:
    assert mill_built.rows(
        "select line_id, mwo_id, repair_minutes, parts_amount, is_failure from fct_event_context "
        "where event_id = '7' order by 1"
    ) == [("V", "MV", 20.0, Decimal(5), True), ("W", "MW", 20.0, Decimal("3.5"), True)]


def test_a_device_that_moved_counts_for_the_line_it_was_at(mill_built: Warehouse) -> None:
    """Each reading and alarm once, for the line of its business date; nothing is made or run on the way."""
    of = "where line_id in ('M1', 'M2', 'PLC-7')"
    assert mill_built.rows(
        f"select line_id, counter_raw, counted_units from int_line_counters {of} order by read_at"
    ) == [("M1", 100, 0), ("M1", 150, 50), ("M2", 170, 0), ("M2", 200, 30)]
    assert mill_built.rows(f"select line_id, running_minutes from int_line_states {of} order by read_at") == [
        ("M1", 0.0),
        ("M1", 960.0),
        ("M2", 0.0),
        ("M2", 60.0),
    ]
    for model in ("int_line_stops", "fct_event_context"):
        assert mill_built.rows(f"select line_id, event_id from {model} {of} order by 2") == [
            ("M1", "at-16"),
            ("M2", "at-17"),
        ]
    assert mill_built.rows(
        "select event_id, before_readings, during_readings, during_mean from fct_event_reading "
        "where device_id = 'PLC-7' and tag = 'heat' order by 1"
    ) == [("at-16", 0, 1, 16.0), ("at-17", 0, 1, 17.0)]


def test_one_query_leads_from_a_component_lot_to_orders_and_stores(mill_built: Warehouse) -> None:
    assert mill_built.rows(FORWARD.format("s1")) == [
        ("LOT-A", "location", "DC", "sent on"),
        ("LOT-A", "location", "PLANT", "in stock"),
        ("LOT-A", "location", "S1", "store"),
        ("LOT-A", "order", "O1", "customer"),
        ("LOT-A", "order", "O3", "customer"),
    ]


def test_what_others_were_sent_ends_with_them_however_much_of_it_is_left_there(mill_built: Warehouse) -> None:
    kinds = "select location_id, kind from dim_location where location_id in ('D1', 'P1') order by 1"
    assert mill_built.rows(kinds) == [("D1", "web"), ("P1", "web")]
    assert mill_built.rows(
        "select reached_id, units, on_hand_units, ends_with from mart_lot_destination where lot_id = 'LOT-C' order by 1"
    ) == [
        ("D1", Decimal(2), Decimal(0), "store"),
        ("D2", Decimal(2), Decimal(0), "store"),
        ("P1", Decimal(0), Decimal(4), "in stock"),
    ]


def test_one_query_leads_from_an_order_back_to_the_component_lots(mill_built: Warehouse) -> None:
    assert mill_built.rows(BACKWARD.format("O1")) == [("X", "LOT-A", 0), ("SYRUP", "y1", 1), ("SUGAR", "s1", 2)]
    assert mill_built.rows("select on_hand_units from mart_lot_destination where reached_id = 'PLANT'") == [
        (Decimal(7),)
    ]
    assert mill_built.rows(BACKWARD.format("O2")) == [("X", "LOT-B", 0), ("SUGAR", "s2", 1)]
