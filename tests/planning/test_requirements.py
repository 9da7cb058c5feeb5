"""Netting closes its balance, uses the shortest life first, and explodes bills to the published answers."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planning.engine import make_plan
from planning.requirements import NEVER, Demand, Lot, LotRule, net_requirements
from tests.planning.instances import START, demand, mondays, policy


def test_net_of_stock_and_receipt() -> None:
    """Known answer 13: 150, 195, 240 with 150 on hand and a receipt of 50 gives 0, 145, 240."""
    demands = [Demand(f"d{week}", week, units) for week, units in enumerate((150.0, 195.0, 240.0))]
    lots = [Lot("stock", 0, 150.0), Lot("receipt", 1, 50.0, NEVER, "receipt")]
    found = net_requirements(mondays(3), demands, lots, [0.0] * 3, LotRule())
    assert found.net == [0, 145, 240]
    assert found.on_hand_used == [150, 0, 0]
    assert found.receipts == [0, 50, 0]


LINES = [("Z", "A", 2.0), ("Z", "B", 3.0), ("A", "C", 4.0), ("A", "D", 4.0), ("D", "E", 2.0)]
LEADS = {"Z": 2, "A": 1, "B": 1, "C": 1, "D": 1, "E": 3}


def three_levels() -> dict[str, pl.DataFrame]:
    """Z=2A+3B, A=4C+4D, D=2E; lead times Z2, A B C D 1, E3 weeks; 59 Z in week 10."""
    return {
        "demand": demand("Z", [0.0] * 9 + [59.0]),
        "bom": pl.DataFrame(LINES, schema=["parent_sku", "component_sku", "quantity_per"], orient="row"),
        "item_policy": pl.concat(policy(sku, lead_time_days=7 * lead) for sku, lead in LEADS.items()),
    }


def orders(*rows: tuple[str, str, float, int]) -> pl.DataFrame:
    """Firm production orders: their id, sku, units, and the week they are due in (the first is 1)."""
    return pl.DataFrame(
        [
            {
                "receipt_id": name, "sku": sku, "location_id": "PLANT", "units": units,
                "due_on": START + timedelta(days=7 * week - 6), "kind": "production", "is_firm": True,
            }
            for name, sku, units, week in rows
        ]
    )  # fmt: skip


def released(outputs: dict[str, pl.DataFrame]) -> set[tuple[str, float, int]]:
    """Sku, units and week of release of all that is planned."""
    return {
        (row["sku"], float(row["planned_receipt_units"]), 1 + (row["release_on"] - START).days // 7)
        for row in outputs["requirements"].filter(pl.col("planned_receipt_units") > 0).iter_rows(named=True)
    }


def test_a_bill_of_three_levels_releases_the_published_quantities_in_the_published_weeks() -> None:
    """Known answer 12."""
    outputs = make_plan(three_levels(), start_on=START, horizon_weeks=10, service_level=0.95)
    assert released(outputs) == {
        ("Z", 59, 8), ("A", 118, 7), ("B", 177, 7), ("C", 472, 6), ("D", 472, 6), ("E", 944, 3)
    }  # fmt: skip


def test_a_firm_order_asks_for_its_parts_in_its_own_name_when_it_is_released() -> None:
    """Known answer 12 with 20 of the 59 Z on order for week 9: they are released in week 7, their parts needed then."""
    tables = {**three_levels(), "receipts": orders(("WO", "Z", 20.0, 9))}
    outputs = make_plan(tables, start_on=START, horizon_weeks=10, service_level=0.95)
    assert released(outputs) == {
        ("Z", 39, 8),
        ("A", 78, 7), ("B", 117, 7), ("C", 312, 6), ("D", 312, 6), ("E", 624, 3),
        ("A", 40, 6), ("B", 60, 6), ("C", 160, 5), ("D", 160, 5), ("E", 320, 2),
    }  # fmt: skip
    pegged = outputs["pegging"].filter(pl.col("demand_id") == "receipt:WO").sort("supply_id")
    assert [(row["supply_id"], float(row["units"]), row["depth"]) for row in pegged.iter_rows(named=True)] == [
        ("buy:B:PLANT:2018-01-15", 60, 1),
        ("make:A:PLANT:2018-01-15", 40, 1),
    ]
    [upward] = outputs["pegging"].filter(pl.col("supply_id") == "receipt:WO").iter_rows(named=True)
    assert (upward["demand_id"], float(upward["units"])) == ("demand:Z:PLANT:store:2018-02-05", 20)


def test_a_firm_order_needs_its_parts_though_nobody_asks_for_it_and_when_it_is_due_later_than_planned_for() -> None:
    """What an order scraps and what its parts do is asked for too; an overdue order's parts in the first week."""
    tables = {
        "demand": demand("X", [1.0] * 3),
        "bom": pl.DataFrame(
            {"parent_sku": ["P", "Q"], "component_sku": "C", "quantity_per": [3.0, 1.0], "scrap_rate": [0.25, 0.0]}
        ),
        "item_policy": pl.concat(
            [policy("P", scrap_rate=0.2, lead_time_days=7.0), policy("Q", lead_time_days=7.0)], how="diagonal"
        ),
        "receipts": orders(("OLD", "P", 10.0, -2), ("NEXT", "Q", 5.0, 4), ("FAR", "Q", 7.0, 5)),
    }
    asked = make_plan(tables, start_on=START, horizon_weeks=3, service_level=0.95)["requirements"]
    assert asked.filter(pl.col("sku") == "C")["gross_units"].cast(pl.Float64).to_list() == [50, 0, 5]
    assert set(asked["sku"]) == {"C", "X"}


def test_only_what_is_made_and_firm_asks_for_parts() -> None:
    bought = orders(("R", "Z", 20.0, 9)).with_columns(kind=pl.lit("purchase"))
    planned = orders(("R", "Z", 20.0, 9)).with_columns(is_firm=pl.lit(False))
    asked = [
        make_plan({**three_levels(), "receipts": receipts}, start_on=START, horizon_weeks=10, service_level=0.95)[
            "requirements"
        ]
        .filter(pl.col("sku") == "B")["gross_units"]
        .sum()
        for receipts in (bought, planned)
    ]
    assert [float(units) for units in asked] == [117, 177]


def test_the_lot_that_expires_first_is_used_first_and_what_is_left_of_it_expires() -> None:
    lots = [Lot("late", 0, 50.0, START + timedelta(days=70)), Lot("soon", 0, 50.0, START + timedelta(days=14))]
    demands = [Demand(f"d{week}", week, 20.0) for week in range(4)]
    found = net_requirements(mondays(4), demands, lots, [0.0] * 4, LotRule())
    assert [(supply, units) for supply, _, units in found.served] == [
        ("soon", 20),
        ("soon", 20),
        ("late", 20),
        ("late", 20),
    ]
    assert found.wasted == {"soon": 10}
    assert found.expired == [0, 0, 10, 0]


def test_a_lot_that_expires_on_thursday_serves_three_days_of_the_week() -> None:
    found = net_requirements(
        mondays(1), [Demand("d", 0, 70.0)], [Lot("l", 0, 100.0, START + timedelta(days=3))], [0.0], LotRule()
    )
    assert found.on_hand_used == [pytest.approx(30)]
    assert found.net == [pytest.approx(40)]
    assert found.expired == [pytest.approx(70)]


def test_a_channel_that_asks_for_more_life_cannot_take_an_old_lot() -> None:
    lots = [Lot("old", 0, 100.0, START + timedelta(days=10))]
    demands = [Demand("strict", 0, 10.0, reject_days=20.0), Demand("easy", 0, 10.0)]
    found = net_requirements(mondays(1), demands, lots, [0.0], LotRule())
    assert [(one.demand_id, units) for one, units in found.unserved] == [("strict", 10)]


lots_strategy = st.lists(st.tuples(st.integers(0, 5), st.floats(0.5, 100), st.integers(0, 80)), max_size=8)
demand_strategy = st.lists(
    st.tuples(st.integers(0, 5), st.floats(0.5, 100), st.integers(1, 9), st.integers(0, 20)), max_size=12
)


@settings(deadline=None)
@given(
    lots_strategy,
    demand_strategy,
    st.floats(0, 30),
    st.floats(0, 20),
    st.sampled_from([0.0, 1.0, 6.0]),
    st.sampled_from([0.0, 5.0, 20.0]),
)
def test_every_unit_is_accounted_for(
    lots: list[tuple[int, float, int]],
    demands: list[tuple[int, float, int, int]],
    safety: float,
    least: float,
    multiple: float,
    life: float,
) -> None:
    """opening + receipts + planned = demand + expired + closing in each week; none ends below its safety stock."""
    supply = [
        Lot(f"l{n}", week, units, START + timedelta(days=days), "stock" if week == 0 else "receipt")
        for n, (week, units, days) in enumerate(lots)
    ]
    asked = [
        Demand(f"d{n}", week, units, priority, reject) for n, (week, units, priority, reject) in enumerate(demands)
    ]
    found = net_requirements(mondays(6), asked, supply, [safety] * 6, LotRule(least, multiple, 0.0, life))
    opening = sum(lot.units for lot in supply if lot.kind == "stock")
    for week in range(6):
        into = opening + found.receipts[week] + found.planned[week]
        assert into == pytest.approx(found.gross[week] + found.expired[week] + found.closing[week], abs=1e-4)
        if not life:
            assert found.closing[week] >= safety - 1e-4
        opening = found.closing[week]
    assert sum(found.gross) == pytest.approx(sum(one.units for one in asked))


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 400), st.floats(0, 0.3), st.floats(0.1, 9), st.integers(0, 5))
def test_a_bill_conserves_what_it_asks_of_its_components(units: int, scrap: float, per_unit: float, week: int) -> None:
    needed = [0.0] * week + [float(units)]
    tables = {
        "demand": demand("A", needed),
        "bom": pl.DataFrame(
            {"parent_sku": ["A"], "component_sku": ["B"], "quantity_per": [per_unit], "scrap_rate": [scrap]}
        ),
    }
    found = make_plan(tables, start_on=START, horizon_weeks=6, service_level=0.95)["requirements"]
    made = found.filter(pl.col("sku") == "A")["planned_receipt_units"].cast(pl.Float64).sum()
    asked = found.filter(pl.col("sku") == "B")["gross_units"].cast(pl.Float64).sum()
    assert made == pytest.approx(units)
    assert asked == pytest.approx(made * per_unit / (1 - scrap), abs=2e-3)


def test_a_mid_week_start_plans_from_the_monday_of_its_week() -> None:
    found = make_plan(
        {"demand": demand("A", [5.0])}, start_on=START + timedelta(days=3), horizon_weeks=1, service_level=0.95
    )
    assert found["requirements"]["week_on"].to_list() == [date(2017, 12, 4)]
