"""The whole plan: minutes within the calendar, balances that close, and a plan that follows what it is told."""

from __future__ import annotations

import json
from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from planning.contracts import IN, OUT
from planning.engine import make_plan
from planning.results import COST_PARTS
from tests.planning.instances import START, calendar, demand, mondays, plant, policy, routing
from tillmill.errors import UsageError

Tables = dict[str, pl.DataFrame]


def plan_of(tables: Tables, weeks: int = 6, service_level: float = 0.95) -> Tables:
    return make_plan(tables, start_on=START, horizon_weeks=weeks, service_level=service_level)


def summary_of(outputs: Tables) -> dict[str, float]:
    return {
        name: value if isinstance(value, str) else float(value)
        for name, value in outputs["summary"].row(0, named=True).items()
    }


def by_week(outputs: Tables, sku: str, column: str, weeks: int = 6) -> list[float]:
    plan = outputs["production_plan"].filter(pl.col("sku") == sku).group_by("week_on").agg(pl.col(column).sum())
    found = dict(plan.rows())
    return [float(found.get(monday, 0)) for monday in mondays(weeks)]


def minutes_beyond(outputs: Tables, tables: Tables) -> float:
    used = (
        outputs["production_plan"]
        .group_by("line_id", "week_on")
        .agg((pl.col("run_minutes") + pl.col("setup_minutes")).sum().alias("used"))
    )
    given_minutes = tables["calendar"].with_columns(
        (pl.col("available_minutes") + pl.col("overtime_minutes")).alias("given")
    )
    both = used.join(given_minutes, on=["line_id", "week_on"], how="left")
    return float(both.select((pl.col("used") - pl.col("given").fill_null(0.0)).max()).item() or 0.0)


def one_line(units: list[float], minutes: list[float], **columns: float) -> Tables:
    """One sku at a minute a unit on one line."""
    return {
        "demand": demand("A", units),
        "routing": routing("A"),
        "calendar": calendar("L1", minutes),
        "item_policy": policy(
            "A", **{"lot_multiple_units": 1.0, "holding_cost": 0.01, "backorder_cost": 1.0, **columns}
        ),
    }


def test_the_out_tables_have_the_contract_columns() -> None:
    outputs = plan_of(one_line([10.0] * 6, [100.0] * 6))
    assert {name: dict(frame.schema) for name, frame in outputs.items()} == {
        name: {column: dtype() if isinstance(dtype, type) else dtype for column, dtype in columns.items()}
        for name, columns in OUT.items()
    }


def test_no_demand_gives_an_empty_plan() -> None:
    for tables in ({}, {"demand": demand("A", [0.0] * 3), "routing": routing("A")}):
        outputs = plan_of(tables)
        assert all(frame.is_empty() for name, frame in outputs.items() if name != "summary")
        assert summary_of(outputs)["total_cost"] == 0


def test_an_overloaded_week_is_built_before() -> None:
    outputs = plan_of(one_line([50.0, 50, 50, 150, 50, 50], [100.0] * 6))
    units = by_week(outputs, "A", "units")
    assert sum(units) == 400
    assert max(units) <= 100
    assert by_week(outputs, "A", "backorder_units") == [0.0] * 6
    assert sum(units[:3]) == 200
    kinds = outputs["exceptions"].filter(pl.col("kind") == "overloaded")
    assert kinds["object_id"].to_list() == ["L1:2017-12-25"]


def test_what_a_full_line_cannot_make_is_owed_and_said_so() -> None:
    outputs = plan_of(one_line([150.0] * 6, [100.0] * 6))
    assert by_week(outputs, "A", "units") == [100.0] * 6
    assert by_week(outputs, "A", "backorder_units") == [50.0, 100, 150, 200, 250, 300]
    short = outputs["exceptions"].filter(pl.col("kind") == "short").row(0, named=True)
    assert float(short["amount"]) == 300
    assert "demand:A:PLANT:store:2017-12-04" in json.loads(short["pegged_demand_ids"])
    assert summary_of(outputs)["fill_rate"] == pytest.approx(1 - 300 / 900)


def test_a_stopped_week_moves_production_and_a_stopped_line_makes_backorders() -> None:
    running = plan_of(one_line([50.0] * 6, [100.0] * 6))
    stopped_week = plan_of(one_line([50.0] * 6, [100.0, 100, 0, 100, 100, 100]))
    stopped = plan_of(one_line([50.0] * 6, [0.0] * 6))
    assert by_week(running, "A", "units")[2] > 0
    assert by_week(stopped_week, "A", "units")[2] == 0
    assert by_week(stopped_week, "A", "backorder_units") == [0.0] * 6
    assert sum(by_week(stopped_week, "A", "units")) == 300
    assert by_week(stopped, "A", "units") == [0.0] * 6
    assert by_week(stopped, "A", "backorder_units")[-1] == 300


def test_overtime_is_worked_when_it_is_cheaper_than_being_late() -> None:
    tables = one_line([120.0] * 6, [100.0] * 6, backorder_cost=5.0)
    cheap = plan_of({**tables, "calendar": calendar("L1", [100.0] * 6, overtime=50, cost=0.5)})
    dear = plan_of({**tables, "calendar": calendar("L1", [100.0] * 6, overtime=50, cost=500)})
    assert by_week(cheap, "A", "overtime_minutes") == [20.0] * 6
    assert summary_of(cheap)["overtime_cost"] == pytest.approx(60)
    assert by_week(cheap, "A", "backorder_units") == [0.0] * 6
    assert by_week(dear, "A", "overtime_minutes") == [0.0] * 6


def test_doubled_demand_raises_the_plan() -> None:
    tables = plant(skus=60, load=2.0)
    double = {**tables, "demand": tables["demand"].with_columns(pl.col("mean") * 2, pl.col("q90") * 2)}
    once, twice = (plan_of(one, 8)["production_plan"]["units"].sum() for one in (tables, double))
    assert twice > 1.7 * float(once)


def test_stock_and_firm_receipts_are_used_before_anything_is_made() -> None:
    tables = one_line([50.0] * 6, [100.0] * 6)
    tables["stock"] = pl.DataFrame(
        {
            "sku": ["A", "A"],
            "location_id": ["PLANT"] * 2,
            "lot_id": ["1", "2"],
            "quality": ["good", "damaged"],
            "on_hand_units": [80.0, 500.0],
        }
    )
    tables["receipts"] = pl.DataFrame(
        {
            "receipt_id": ["R", "S"],
            "sku": ["A"] * 2,
            "location_id": ["PLANT"] * 2,
            "units": [40.0, 999.0],
            "due_on": [mondays(6)[2]] * 2,
            "kind": ["purchase"] * 2,
            "is_firm": [True, False],
        }
    )
    outputs = plan_of(tables)
    assert sum(by_week(outputs, "A", "units")) == 300 - 80 - 40
    served = outputs["pegging"].filter(
        pl.col("supply_id").str.starts_with("stock:") | (pl.col("supply_id") == "receipt:R")
    )
    assert float(served["units"].sum()) == 120


def test_safety_stock_is_built_from_the_forecasts_spread() -> None:
    tables = one_line([50.0] * 6, [200.0] * 6)
    tables["demand"] = demand("A", [50.0] * 6, q90=1.4)
    calm = sum(by_week(plan_of(tables, service_level=0.6), "A", "units"))
    careful = sum(by_week(plan_of(tables, service_level=0.9), "A", "units"))
    assert calm < careful
    assert careful == 300 + 20


def test_the_frozen_zone_takes_no_new_lot() -> None:
    outputs = plan_of(one_line([50.0] * 6, [100.0] * 6, frozen_days=14.0, slushy_days=7.0))
    assert by_week(outputs, "A", "units")[:2] == [0.0, 0.0]
    zones = dict(outputs["production_plan"].select("week_on", "zone").rows())
    assert [zones.get(monday, "-") for monday in mondays(4)][:3] == ["frozen", "frozen", "slushy"]


def test_a_firm_order_takes_line_time_and_waits_for_a_week_with_room() -> None:
    tables = one_line([50.0] * 6, [0.0, 100, 100, 100, 100, 100])
    tables["receipts"] = pl.DataFrame(
        {
            "receipt_id": ["R"],
            "sku": ["A"],
            "location_id": ["PLANT"],
            "units": [90.0],
            "due_on": [START],
            "kind": ["production"],
        }
    )
    tables["bom"] = pl.DataFrame({"parent_sku": ["A"], "component_sku": ["C"], "quantity_per": [2.0]})
    outputs = plan_of(tables)
    late = outputs["exceptions"].filter(pl.col("kind") == "late").row(0, named=True)
    assert (late["old"], late["new"]) == ("2017-12-04", "2017-12-11")
    assert by_week(outputs, "A", "units")[1] <= 10
    assert outputs["schedule_orders"].filter(pl.col("order_id") == "R")["state"].to_list() == ["released"]
    # Its parts wait with it; where no week has room it brings nothing, and asks for none.
    parts = pl.col("demand_id") == "receipt:R"
    assert outputs["pegging"].filter(parts).select("supply_id", pl.col("units").cast(pl.Int64)).rows() == [
        ("buy:C:PLANT:2017-12-11", 180)
    ]
    tables["calendar"] = calendar("L1", [80.0] * 6)
    full = plan_of(tables)
    assert full["exceptions"].filter(pl.col("object_id") == "R")["kind"].to_list() == ["overloaded"]
    assert full["pegging"].filter(parts).is_empty()


def test_stock_in_a_warehouse_fed_by_the_plant_counts_and_stock_nobody_reaches_is_reported() -> None:
    tables = one_line([50.0] * 6, [100.0] * 6)
    tables["stock"] = pl.DataFrame({"sku": ["A", "A"], "location_id": ["DC", "MOON"], "on_hand_units": [100.0, 70.0]})
    tables["sources"] = pl.DataFrame(
        {
            "sku": ["A", "A"],
            "location_id": ["PLANT", "DC"],
            "source_id": ["PLANT", "PLANT"],
            "kind": ["make", "transfer"],
        }
    )
    outputs = plan_of(tables)
    assert sum(by_week(outputs, "A", "units")) == 200
    unlinked = outputs["exceptions"].filter(pl.col("kind") == "unlinked_stock").row(0, named=True)
    assert (unlinked["object_id"], float(unlinked["amount"])) == ("MOON", 70)


def test_a_warehouse_with_its_own_demand_is_supplied_by_transfers_from_the_plant() -> None:
    tables = one_line([0.0] * 6, [500.0] * 6)
    tables["demand"] = demand("A", [0.0, 0, 50, 50, 50, 50], location="DC")
    tables["sources"] = pl.DataFrame(
        {
            "sku": ["A", "A"],
            "location_id": ["PLANT", "DC"],
            "source_id": ["PLANT", "PLANT"],
            "kind": ["make", "transfer"],
            "lead_time_days": [0.0, 7.0],
        }
    )
    outputs = plan_of(tables)
    assert outputs["transfers"].select("from_location_id", "to_location_id", "units", "ship_on").rows() == [
        ("PLANT", "DC", 50, monday - timedelta(days=7)) for monday in mondays(6)[2:]
    ]
    assert sum(by_week(outputs, "A", "units")) == 200
    assert sum(by_week(outputs, "A", "units")[:2]) >= 50


def test_what_is_missing_is_said_by_an_exception() -> None:
    tables = one_line([50.0] * 6, [100.0] * 6)
    tables["demand"] = pl.concat([tables["demand"], demand("B", [10.0] * 6)])
    tables["sources"] = pl.DataFrame(
        {"sku": ["A", "B"], "location_id": ["PLANT"] * 2, "source_id": ["PLANT"] * 2, "kind": ["make"] * 2}
    )
    tables["bom"] = pl.DataFrame({"parent_sku": ["A"], "component_sku": ["C"], "quantity_per": [2.0]})
    found = {(row["kind"], row["object_id"]) for row in plan_of(tables)["exceptions"].iter_rows(named=True)}
    assert {
        ("no_routing", "B"),
        ("no_bom", "B"),
        ("no_policy", "B at PLANT"),
        ("no_table", "stock"),
        ("short", "B"),
    } <= found


def test_a_component_that_cannot_come_in_time_is_late_and_names_the_demand_behind_it() -> None:
    tables = one_line([50.0] * 6, [100.0] * 6)
    tables["bom"] = pl.DataFrame({"parent_sku": ["A"], "component_sku": ["C"], "quantity_per": [2.0]})
    tables["item_policy"] = pl.concat([tables["item_policy"], policy("C", lead_time_days=14.0)], how="diagonal")
    late = plan_of(tables)["exceptions"].filter(pl.col("kind") == "late").row(0, named=True)
    assert late["object_id"] == "C at PLANT"
    assert float(late["amount"]) == 200
    assert "demand:A:PLANT:store:2017-12-04" in json.loads(late["pegged_demand_ids"])


def test_lots_follow_the_rules_and_a_line_never_makes_more_than_one_lot_holds() -> None:
    outputs = plan_of(one_line([13.0] * 6, [500.0] * 6, lot_min_units=24.0, lot_multiple_units=6.0, lot_max_units=30.0))
    for units, setups in zip(by_week(outputs, "A", "units"), by_week(outputs, "A", "setups"), strict=True):
        assert units == 0 or (units >= 24 and units % 6 == 0)
        assert setups == -(-units // 30)


def test_set_ups_and_changeovers_fit_the_week_as_well() -> None:
    tables = {
        "demand": pl.concat([demand("A", [40.0] * 4), demand("B", [40.0] * 4)]),
        "routing": pl.concat([routing("A", setup=10.0, family="x"), routing("B", setup=10.0, family="y")]),
        "calendar": calendar("L1", [115.0] * 4),
        "changeover": pl.DataFrame(
            {"line_id": ["L1"] * 2, "from_family": ["x", "y"], "to_family": ["y", "x"], "minutes": [30.0, 20.0]}
        ),
    }
    outputs = plan_of(tables, 4)
    assert minutes_beyond(outputs, tables) <= 1e-6
    together = (
        outputs["production_plan"]
        .filter(pl.col("units") > 0)
        .group_by("week_on")
        .agg(pl.col("sku").n_unique(), pl.col("setup_minutes").sum())
    )
    assert all(minutes == (40.0 if skus == 2 else 10.0) for _, skus, minutes in together.rows())
    orders = outputs["schedule_orders"].sort("start_at")
    assert (orders["start_at"].shift(-1).drop_nulls() >= orders["end_at"].head(orders.height - 1)).all()


weekly = st.lists(st.integers(0, 120), min_size=5, max_size=5)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(weekly, min_size=1, max_size=3),
    st.lists(st.sampled_from([0.0, 60.0, 150.0, 400.0]), min_size=5, max_size=5),
    st.integers(0, 90),
    st.sampled_from([0.0, 12.0]),
    st.sampled_from([0.0, 40.0]),
)
def test_any_plan_keeps_its_promises(
    demands: list[list[int]], minutes: list[float], on_hand: int, setup: float, overtime: float
) -> None:
    """Minutes ≤ calendar; owed = what demand asked less opening and production; pegs conserve; bound ≤ cost."""
    skus = [f"S{number}" for number in range(len(demands))]
    tables: Tables = {
        "demand": pl.concat(
            demand(sku, [float(one) for one in units]) for sku, units in zip(skus, demands, strict=True)
        ),
        "routing": pl.concat(routing(sku, setup=setup, cost=3.0) for sku in skus),
        "calendar": calendar("L1", minutes, overtime),
        "item_policy": pl.concat(
            policy(sku, lot_multiple_units=5.0, lot_min_units=10.0, holding_cost=0.02, backorder_cost=1.0)
            for sku in skus
        ),
        "stock": pl.DataFrame({"sku": skus, "location_id": "PLANT", "on_hand_units": float(on_hand)}),
    }
    outputs = plan_of(tables, 5)
    assert minutes_beyond(outputs, tables) <= 1e-6
    for sku, units in zip(skus, demands, strict=True):
        position, made, owed = (
            float(on_hand),
            by_week(outputs, sku, "units", 5),
            by_week(outputs, sku, "backorder_units", 5),
        )
        for week in range(5):
            position += made[week] - units[week]
            assert owed[week] == pytest.approx(max(0.0, -position), abs=1e-3)
    asked = {
        f"demand:{sku}:PLANT:store:{monday}": one
        for sku, units in zip(skus, demands, strict=True)
        for monday, one in zip(mondays(5), units, strict=True)
    }
    for demand_id, units in outputs["pegging"].group_by("demand_id").agg(pl.col("units").sum()).iter_rows():
        assert float(units) <= asked[demand_id] + 1e-3
    found = summary_of(outputs)
    assert found["total_cost"] == pytest.approx(sum(found[part] for part in COST_PARTS), abs=1e-3)
    assert found["bound"] <= found["total_cost"] + 1e-4


def test_two_plans_of_the_same_tables_are_equal_in_all_but_the_seconds() -> None:
    tables = plant(skus=80, load=4.0)
    shuffled = {name: frame.sample(fraction=1.0, shuffle=True, seed=3) for name, frame in tables.items()}
    first, second = plan_of(tables, 8), plan_of(shuffled, 8)
    for name in OUT:
        assert_frame_equal(first[name].drop("seconds", strict=False), second[name].drop("seconds", strict=False))


def test_a_plant_of_real_size_is_planned_within_its_calendar_and_near_its_bound() -> None:
    tables = plant(skus=700, load=3.0)
    outputs = plan_of(tables, 8)
    assert minutes_beyond(outputs, tables) <= 1e-6
    found = summary_of(outputs)
    assert found["gap_rate"] < 0.05
    assert found["fill_rate"] > 0.95
    assert found["seconds"] < 10


@pytest.mark.parametrize(
    ("table", "frame", "words"),
    [
        ("demand", pl.DataFrame({"sku": ["A"]}), "demand: column 'location_id' is missing"),
        (
            "routing",
            routing("A").with_columns(units_per_hour=pl.lit(0.0)),
            "routing: column 'units_per_hour', row 1: must be above 0",
        ),
        ("calendar", pl.concat([calendar("L1", [1.0])] * 2), "calendar: column 'line_id, week_on', row 1: comes twice"),
        ("item_policy", policy("A", scrap_rate=1.0), "item_policy: column 'scrap_rate', row 1: must be below 1"),
        (
            "stock",
            pl.DataFrame({"sku": ["A"], "location_id": ["P"], "on_hand_units": ["many"]}),
            "row 1: 'many' is not a number",
        ),
    ],
)
def test_a_table_that_cannot_be_used_is_named(table: str, frame: pl.DataFrame, words: str) -> None:
    assert table in IN
    with pytest.raises(UsageError, match=words):
        plan_of({"demand": demand("A", [1.0]), table: frame})


def test_a_bill_that_leads_back_to_itself_is_named() -> None:
    bom = pl.DataFrame({"parent_sku": ["A", "B"], "component_sku": ["B", "A"], "quantity_per": [1.0, 1.0]})
    with pytest.raises(UsageError, match="A > B > A leads back to itself"):
        plan_of({"demand": demand("A", [1.0]), "bom": bom})
