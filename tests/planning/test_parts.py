"""Sequence, pegging and zones."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import permutations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planning.pegging import peg_production, roots
from planning.requirements import Demand
from planning.sequence import Run, best_path, changeover_minutes, moment, sequence_week
from planning.stability import nervousness, zone

START = date(2017, 12, 4)


def run(sku: str, family: str, minutes: float, priority: int = 5) -> Run:
    return Run(f"o-{sku}", sku, family, 1.0, minutes, priority)


def test_families_run_in_the_order_with_the_fewest_changeover_minutes() -> None:
    minutes = {
        ("a", "b"): 90.0,
        ("b", "a"): 10.0,
        ("b", "c"): 80.0,
        ("c", "b"): 5.0,
        ("a", "c"): 60.0,
        ("c", "a"): 70.0,
    }
    assert best_path(["a", "b", "c", "a"], minutes) == ["c", "b", "a"]
    assert changeover_minutes(["c", "b", "a"], minutes) == 15


@settings(deadline=None)
@given(st.data(), st.integers(2, 5))
def test_no_order_of_families_loses_less(data: st.DataObject, count: int) -> None:
    names = [f"f{number}" for number in range(count)]
    minutes = {(a, b): float(data.draw(st.integers(0, 60))) for a in names for b in names if a != b}
    least = min(changeover_minutes(path, minutes) for path in permutations(names))
    assert changeover_minutes(best_path(names, minutes), minutes) == least


def test_a_week_runs_without_gap_or_overlap_and_the_urgent_first_within_a_family() -> None:
    slots = sequence_week(
        [run("1", "a", 30), run("2", "b", 20), run("3", "a", 10, priority=1)], {("a", "b"): 15.0, ("b", "a"): 40.0}
    )
    assert [(slot.run.sku, slot.starts, slot.ends, slot.changeover) for slot in slots] == [
        ("3", 0, 10, 0), ("1", 10, 40, 0), ("2", 40, 75, 15),
    ]  # fmt: skip
    assert moment(START, 75).isoformat() == "2017-12-04T01:15:00+00:00"


def test_the_earlier_and_more_urgent_demand_is_served_first() -> None:
    unserved = [(Demand("late", 1, 10, 1), 10.0), (Demand("normal", 0, 10, 5), 10.0), (Demand("urgent", 0, 5, 1), 5.0)]
    pegs = peg_production(unserved, [("lot1", 0, 8.0), ("lot2", 1, 30.0)])
    assert pegs == [
        ("lot1", "urgent", 5, 0),
        ("lot1", "normal", 3, 0),
        ("lot2", "normal", 7, 0),
        ("lot2", "late", 10, 0),
    ]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, 50), st.integers(1, 3)), max_size=15),
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, 80)), max_size=8),
)
def test_pegs_conserve_supply_and_demand(demands: list[tuple[int, int, int]], lots: list[tuple[int, int]]) -> None:
    unserved = [
        (Demand(f"d{n}", week, units, priority), float(units)) for n, (week, units, priority) in enumerate(demands)
    ]
    made = [(f"s{n}", week, float(units)) for n, (week, units) in enumerate(lots)]
    pegs = peg_production(unserved, made)
    assert sum(units for _, _, units, _ in pegs) == pytest.approx(
        min(sum(one[1] for one in unserved), sum(one[2] for one in made))
    )
    for supply_id, _, units in made:
        assert sum(peg[2] for peg in pegs if peg[0] == supply_id) <= units + 1e-6
    for demand, units in unserved:
        assert sum(peg[2] for peg in pegs if peg[1] == demand.demand_id) <= units + 1e-6


def test_a_component_is_traced_to_the_demands_it_ends_in() -> None:
    pegs = [
        ("buy", "make1", 5.0, 1),
        ("buy", "make2", 5.0, 1),
        ("make1", "d1", 2.0, 0),
        ("make2", "d2", 2.0, 0),
        ("make2", "d1", 2.0, 0),
    ]
    assert roots(pegs)["buy"] == ["d1", "d2"]


def test_zones_follow_one_another() -> None:
    weeks = [START + timedelta(days=7 * week) for week in range(4)]
    assert [zone(week, START, 7, 14) for week in weeks] == ["frozen", "slushy", "slushy", "free"]


def test_nervousness_is_what_moved_over_what_was_planned() -> None:
    before = pl.DataFrame({"sku": ["A", "B"], "line_id": ["L"] * 2, "week_on": [START] * 2, "units": [60.0, 40.0]})
    after = pl.DataFrame({"sku": ["A", "C"], "line_id": ["L"] * 2, "week_on": [START] * 2, "units": [50.0, 5.0]})
    assert nervousness(after, before) == pytest.approx(0.55)
    assert nervousness(after, after) == 0
    assert nervousness(after, after.clear()) == 0


def test_nervousness_is_of_the_weeks_both_plans_have() -> None:
    weeks = [START + timedelta(days=7 * week) for week in range(4)]
    before = pl.DataFrame({"sku": "A", "line_id": "L", "week_on": weeks[:3], "units": [10.0, 20.0, 20.0]})
    rolled = pl.DataFrame({"sku": "A", "line_id": "L", "week_on": weeks[1:], "units": [20.0, 20.0, 99.0]})
    assert nervousness(rolled, before) == 0
    moved = rolled.filter(pl.col("week_on") != weeks[2])  # what was planned for a week now empty has moved
    assert nervousness(moved, before) == pytest.approx(0.5)
    assert nervousness(rolled.filter(pl.col("week_on") == weeks[3]), before) == 0
