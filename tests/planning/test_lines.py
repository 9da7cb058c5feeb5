"""What is already on a line counts with its changeovers: firm orders, and what higher levels of the bill make there."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.planning.instances import START, calendar, demand, mondays, routing
from tests.planning.test_engine import Tables, by_week, one_line, plan_of, summary_of


def families(count: int, changeover: float = 30.0) -> Tables:
    """SKUs A, B, C, … at a minute a unit on one line of 100 minutes a week, each of a family of its own."""
    names = [chr(ord("A") + number) for number in range(count)]
    pairs = [(before, after) for before in names for after in names if before != after]
    return {
        "demand": demand("A", [1.0] * 4),
        "routing": pl.concat([routing(name, family=name) for name in names]),
        "calendar": calendar("L1", [100.0] * 4),
        "changeover": pl.DataFrame(
            [("L1", before, after, changeover) for before, after in pairs],
            schema=["line_id", "from_family", "to_family", "minutes"],
            orient="row",
        ),
    }


def firm(*orders: tuple[str, float, int]) -> pl.DataFrame:
    """Firm production orders R1, R2, … of a sku and units, due in a week."""
    return pl.DataFrame(
        [
            (f"R{number}", sku, "PLANT", units, START + timedelta(days=7 * week), "production")
            for number, (sku, units, week) in enumerate(orders, start=1)
        ],
        schema=["receipt_id", "sku", "location_id", "units", "due_on", "kind"],
        orient="row",
    )


def weeks_of_firm(outputs: Tables) -> dict[str, int]:
    orders = outputs["schedule_orders"].filter(pl.col("state") == "released")
    return {name: (at.date() - START).days // 7 for name, at in orders.select("order_id", "start_at").iter_rows()}


def test_a_firm_order_whose_changeover_does_not_fit_waits_for_a_week_with_room() -> None:
    tables = families(2)
    tables["receipts"] = firm(("A", 50.0, 0), ("B", 50.0, 0))
    outputs = plan_of(tables, 4)
    assert weeks_of_firm(outputs) == {"R1": 0, "R2": 1}
    late = outputs["exceptions"].filter(pl.col("kind") == "late", pl.col("object_id") == "R2").row(0, named=True)
    assert (late["old"], late["new"]) == ("2017-12-04", "2017-12-11")


def test_firm_orders_of_one_family_lose_no_changeover() -> None:
    tables = families(2)
    tables["receipts"] = firm(("A", 50.0, 0), ("A", 50.0, 0))
    assert weeks_of_firm(plan_of(tables, 4)) == {"R1": 0, "R2": 0}


def test_new_lots_leave_room_for_the_changeovers_of_every_firm_order_of_the_week() -> None:
    tables = families(3, changeover=10.0)
    tables["demand"] = demand("C", [90.0] * 4)
    tables["receipts"] = firm(("A", 30.0, 0), ("B", 30.0, 0))
    outputs = plan_of(tables, 4)
    assert weeks_of_firm(outputs) == {"R1": 0, "R2": 0}
    assert by_week(outputs, "C", "units", 4)[0] == pytest.approx(20.0)
    assert summary_of(outputs)["fill_rate"] < 1


def test_utilisation_counts_the_changeovers_of_firm_orders() -> None:
    tables = families(2)
    tables["demand"] = demand("A", [35.0, 0.0, 0.0, 0.0])
    tables["receipts"] = firm(("A", 35.0, 0), ("B", 35.0, 0))
    outputs = plan_of(tables, 4)
    assert outputs["production_plan"].is_empty()
    assert outputs["summary"]["utilisation_rate"].to_list() == ['{"L1": 0.25}']


@pytest.mark.parametrize("units", [100.5, 5000.0])
def test_a_firm_order_that_no_week_holds_is_said_and_not_counted_on(units: float) -> None:
    tables = one_line([50.0] * 4, [100.0] * 4)
    tables["receipts"] = firm(("A", units, 0))
    outputs = plan_of(tables, 4)
    overloaded = outputs["exceptions"].filter(pl.col("object_id") == "R1").row(0, named=True)
    assert (overloaded["kind"], overloaded["new"]) == ("overloaded", "not in the horizon")
    assert sum(by_week(outputs, "A", "units", 4)) == 200
    assert weeks_of_firm(outputs) == {}


def test_what_another_level_of_the_bill_runs_on_the_line_counts_with_its_changeover() -> None:
    tables = families(2)
    tables["demand"] = demand("A", [50.0] * 4)
    tables["bom"] = pl.DataFrame({"parent_sku": ["A"], "component_sku": ["B"], "quantity_per": [1.0]})
    outputs = plan_of(tables, 4)
    used = outputs["production_plan"].group_by("week_on").agg((pl.col("run_minutes") + pl.col("setup_minutes")).sum())
    assert 0 < max(minutes for _, minutes in used.rows()) <= 100
    assert sum(by_week(outputs, "B", "units", 4)) > 0


order = st.tuples(st.sampled_from("ABCD"), st.sampled_from([5.0, 25.0, 40.0, 70.0, 130.0]), st.integers(-1, 3))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(order, max_size=8),
    st.lists(st.sampled_from([0.0, 5.0, 30.0, 80.0]), min_size=12, max_size=12),
    st.lists(st.sampled_from([0.0, 20.0, 60.0]), min_size=4, max_size=4),
    st.sampled_from([0.0, 25.0]),
)
def test_no_schedule_of_firm_orders_stops_a_plan(
    orders: list[tuple[str, float, int]], changeovers: list[float], weekly: list[float], overtime: float
) -> None:
    """The audit holds whatever the changeovers, odd ones that are shorter by way of a third family included."""
    tables = families(4)
    tables["changeover"] = tables["changeover"].with_columns(minutes=pl.Series(changeovers))
    tables["calendar"] = calendar("L1", [100.0] * 4, overtime)
    tables["demand"] = pl.concat(demand(sku, [units] * 4) for sku, units in zip("ABCD", weekly, strict=True))
    tables["bom"] = pl.DataFrame({"parent_sku": ["A"], "component_sku": ["B"], "quantity_per": [0.5]})
    tables["receipts"] = firm(*orders)
    outputs = plan_of(tables, 4)
    assert set(weeks_of_firm(outputs)) <= {f"R{number}" for number in range(1, len(orders) + 1)}
    assert set(outputs["production_plan"]["week_on"]) <= set(mondays(4))
