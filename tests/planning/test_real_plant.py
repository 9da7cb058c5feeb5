"""What a real plant's tables hold: phantoms, whole units, sleeping items, and a horizon that does not end the world."""

from __future__ import annotations

import json
from datetime import timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from planning.engine import make_plan
from tests.planning.instances import START, calendar, demand, mondays, policy, routing
from tests.planning.test_engine import Tables, by_week, one_line, plan_of, summary_of
from tillmill.errors import UsageError


def bread_of_dough(dough_on_hand: float = 0.0) -> Tables:
    """A loaf of 0.5 dough, a dough of 2 flour; no line makes dough by itself."""
    lines = [("LOAF", "DOUGH", 0.5, 0.0), ("DOUGH", "FLOUR", 2.0, 0.0)]
    return {
        "demand": demand("LOAF", [40.0] * 4),
        "routing": routing("LOAF"),
        "calendar": calendar("L1", [100.0] * 4),
        "bom": pl.DataFrame(
            lines, schema=["parent_sku", "component_sku", "quantity_per", "scrap_rate"], orient="row"
        ),
        "item_policy": pl.concat(
            [
                policy("LOAF", lot_multiple_units=1.0, holding_cost=0.1, backorder_cost=5.0),
                policy("DOUGH", lead_time_days=14.0, scrap_rate=0.2, safety_stock_units=99.0),
                policy("FLOUR"),
            ],
            how="diagonal",
        ),
        "stock": pl.DataFrame({"sku": ["DOUGH"], "location_id": ["PLANT"], "on_hand_units": [dough_on_hand]}),
    }  # fmt: skip


def needs(outputs: Tables, sku: str, column: str) -> list[float]:
    rows = outputs["requirements"].filter(pl.col("sku") == sku).sort("week_on")
    return [float(value) for value in rows[column]]


def test_an_item_with_a_bill_and_no_routing_is_made_inside_its_parents() -> None:
    outputs = plan_of(bread_of_dough(), 4)
    assert set(outputs["production_plan"]["sku"]) == {"LOAF"}
    assert "-" not in set(outputs["production_plan"]["line_id"])
    assert set(outputs["schedule_orders"]["sku"]) == {"LOAF"}
    assert needs(outputs, "DOUGH", "net_units") == [20.0] * 4
    assert outputs["requirements"].filter(pl.col("sku") == "DOUGH")["release_on"].null_count() == 4
    # its own scrap counts, in the week of the loaf and under the loaf's name
    assert needs(outputs, "FLOUR", "gross_units") == [50.0] * 4
    pegs = outputs["pegging"].filter(pl.col("supply_id").str.starts_with("buy:FLOUR"))
    assert set(pegs["demand_id"]) == {f"make:LOAF:L1:{monday}" for monday in mondays(4)}
    assert summary_of(outputs)["fill_rate"] == 1
    assert summary_of(outputs)["backorder_units"] == 0
    assert not {"short", "no_routing"} & set(outputs["exceptions"]["kind"])


def test_what_lies_ready_of_a_phantom_is_used_first() -> None:
    outputs = plan_of(bread_of_dough(dough_on_hand=30.0), 4)
    assert needs(outputs, "DOUGH", "on_hand_used_units") == [20.0, 10, 0, 0]
    assert needs(outputs, "FLOUR", "gross_units") == [0.0, 25, 50, 50]


def test_an_item_that_is_asked_for_by_itself_is_no_phantom() -> None:
    tables = bread_of_dough()
    tables["demand"] = pl.concat([tables["demand"], demand("DOUGH", [10.0] * 4)])
    outputs = plan_of(tables, 4)
    assert ("no_routing", "DOUGH") in set(outputs["exceptions"].select("kind", "object_id").rows())
    assert by_week(outputs, "DOUGH", "backorder_units", 4)[-1] > 0


def test_the_last_week_shown_prepares_for_the_weeks_beyond() -> None:
    tables = one_line([50.0, 50, 50, 50, 100, 100], [80.0] * 6)
    blind = make_plan(tables, start_on=START, horizon_weeks=4, service_level=0.95)
    seeing = make_plan(tables, start_on=START, horizon_weeks=4, service_level=0.95, look_ahead_weeks=2)
    assert sum(by_week(blind, "A", "units")) == 200
    assert sum(by_week(seeing, "A", "units")) == 240
    upto = START + timedelta(days=28)
    for name in ("requirements", "production_plan"):
        assert max(seeing[name]["week_on"]) < upto, name
    assert max(seeing["schedule_orders"]["start_at"]).date() < upto
    later = [f"make:A:L1:{monday}" for monday in mondays(6)[4:]]
    assert not set(later) & set(seeing["pegging"]["supply_id"])
    assert {"demand:A:PLANT:store:2018-01-01"} <= set(seeing["pegging"]["demand_id"])


def test_what_is_short_beyond_the_weeks_shown_is_neither_said_nor_counted() -> None:
    tables = one_line([50.0, 50, 50, 50, 500, 0], [60.0] * 6)
    seeing = make_plan(tables, start_on=START, horizon_weeks=4, service_level=0.95, look_ahead_weeks=2)
    found = summary_of(seeing)
    assert (found["fill_rate"], found["backorder_units"]) == (1.0, 0.0)
    assert json.loads(str(found["utilisation_rate"])) == {"L1": 1.0}
    assert seeing["exceptions"].filter(pl.col("kind").is_in(["short", "overloaded"])).is_empty()
    assert found["owed_at_end_cost"] > 0  # costs are those of all weeks planned


def test_without_weeks_beyond_nothing_is_cut() -> None:
    tables = one_line([50.0] * 6, [100.0] * 6)
    for name, frame in plan_of(tables).items():
        again = make_plan(tables, start_on=START, horizon_weeks=6, service_level=0.95, look_ahead_weeks=0)[name]
        assert_frame_equal(frame.drop("seconds", strict=False), again.drop("seconds", strict=False))


def test_weeks_to_look_ahead_cannot_be_fewer_than_none() -> None:
    with pytest.raises(UsageError, match="look_ahead_weeks -1 at least 0"):
        make_plan({}, start_on=START, horizon_weeks=4, service_level=0.95, look_ahead_weeks=-1)


@pytest.mark.parametrize(("weekly", "made"), [(0.04, 0.0), (0.3, 2.0)])
def test_a_counted_item_of_which_no_whole_unit_is_asked_for_sleeps(weekly: float, made: float) -> None:
    outputs = plan_of(one_line([weekly] * 6, [100.0] * 6, backorder_cost=500.0))
    assert sum(by_week(outputs, "A", "units")) == made
    assert outputs["exceptions"].filter(pl.col("kind") == "short").is_empty()


def test_a_weighed_item_keeps_its_fractions() -> None:
    tables = one_line([0.04] * 6, [100.0] * 6, backorder_cost=500.0, lot_multiple_units=0.0)
    assert sum(by_week(plan_of(tables), "A", "units")) == pytest.approx(0.24)


def test_only_whole_units_that_spoil_are_worth_a_line() -> None:
    tables = one_line([10.0] * 6, [100.0] * 6, shelf_life_days=21.0)
    lots = {"lot_id": ["few", "many"], "on_hand_units": [0.4, 30.0], "expiry_on": [START + timedelta(days=1)] * 2}
    tables["stock"] = pl.DataFrame({"sku": ["A"] * 2, "location_id": ["PLANT"] * 2, **lots})
    expired = plan_of(tables)["exceptions"].filter(pl.col("kind") == "expired")
    assert expired["object_id"].to_list() == ["stock:PLANT:A:many:-"]


def test_a_lot_is_not_made_to_spoil_where_its_goods_cost_more_than_the_wait() -> None:
    tables = one_line([0.3] * 8, [100.0] * 8, shelf_life_days=11.0, lot_min_units=4.0, backorder_cost=0.4)
    free = plan_of(tables, 8)
    tables["sources"] = pl.DataFrame(
        {"sku": ["A"], "location_id": ["PLANT"], "source_id": ["make"], "kind": ["make"], "cost": [50.0]}
    )
    dear = plan_of(tables, 8)
    assert sum(by_week(free, "A", "units", 8)) >= 4
    assert sum(by_week(dear, "A", "units", 8)) < sum(by_week(free, "A", "units", 8))
    assert summary_of(dear)["waste_cost"] < 50 * 2


def test_scrap_takes_line_time_of_firm_orders_too() -> None:
    tables = one_line([50.0] * 6, [100.0] * 6, scrap_rate=0.2)
    receipt = {"receipt_id": ["R"], "sku": ["A"], "location_id": ["PLANT"], "units": [40.0], "due_on": [START]}
    tables["receipts"] = pl.DataFrame({**receipt, "kind": ["production"]})
    order = plan_of(tables)["schedule_orders"].filter(pl.col("order_id") == "R").row(0, named=True)
    assert order["end_at"] - order["start_at"] == timedelta(minutes=50)


@pytest.mark.parametrize(("due_in_days", "gross"), [(-70, 20.0), (-7, 20.0), (-1, 20.0), (0, 10.0)])
def test_an_overdue_order_leaves_the_forecast_of_weeks_that_are_not_its_own(due_in_days: int, gross: float) -> None:
    tables = one_line([10.0, 10.0], [100.0] * 2)
    order = {"order_id": ["O"], "line_no": ["1"], "sku": ["A"], "channel_id": ["store"], "location_id": ["PLANT"]}
    tables["orders"] = pl.DataFrame({**order, "units": [10.0], "due_on": [START + timedelta(days=due_in_days)]})
    outputs = plan_of(tables, 2)
    assert needs(outputs, "A", "gross_units") == [gross, 10.0]
    assert "order:O:1" in set(outputs["pegging"]["demand_id"])


def test_a_made_component_has_the_zones_of_the_place_that_makes_it() -> None:
    tables = one_line([0.0, 0, 0, 40, 40, 40], [200.0] * 6)
    tables["routing"] = pl.concat([routing("A"), routing("B")])
    tables["bom"] = pl.DataFrame({"parent_sku": ["A"], "component_sku": ["B"], "quantity_per": [1.0]})
    near = {"frozen_days": 7.0, "slushy_days": 14.0, "lead_time_days": 7.0}
    tables["item_policy"] = pl.concat(
        [policy("A", **near, backorder_cost=5.0), policy("B", **near, holding_cost=0.1)], how="diagonal"
    )
    tables["stock"] = pl.DataFrame({"sku": ["B"], "location_id": ["PLANT"], "on_hand_units": [10.0]})
    outputs = plan_of(tables)
    zones = dict(outputs["production_plan"].filter(pl.col("sku") == "B").select("week_on", "zone").rows())
    assert zones[mondays(6)[2]] == "slushy"
    assert {zone for monday, zone in zones.items() if monday >= mondays(6)[3]} == {"free"}


def test_zones_are_those_of_the_plant_where_the_demand_stands_elsewhere() -> None:
    tables = one_line([0.0], [100.0] * 4, frozen_days=7.0, slushy_days=7.0)
    tables["demand"] = demand("A", [0.0, 10, 10, 10], location="DC")
    tables["sources"] = pl.DataFrame(
        {"sku": ["A"] * 2, "location_id": ["PLANT", "DC"], "source_id": ["PLANT"] * 2, "kind": ["make", "transfer"]}
    )
    tables["item_policy"] = pl.concat([tables["item_policy"], policy("A", "DC", frozen_days=21.0)], how="diagonal")
    plan = plan_of(tables, 4)["production_plan"].filter(pl.col("units") > 0)
    assert dict(plan.select("week_on", "zone").rows())[mondays(4)[1]] == "slushy"
