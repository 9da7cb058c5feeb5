"""Set-up weeks agree with Wagner & Whitin, and the price of an item is never above what any plan of it costs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planning.lots import Items, Pricing, build, roll
from planning.policy import wagner_whitin


def item(
    net: list[float],
    safety: float = 0.0,
    holding: float = 1.0,
    backorder: float = 20.0,
    setup: float = 10.0,
    keep: int = 99,
    least: float = 0.0,
    multiple: float = 0.0,
    worth: float = 0.0,
) -> Items:
    one, weeks = np.ones(1), len(net)
    return Items(
        net=np.array([net]),
        base=np.full((1, weeks), safety),
        safety=np.full((1, weeks), safety),
        holding=holding * one,
        backorder=backorder * one,
        shortfall=(holding + 0.05 * backorder) * one,
        worth=worth * one,
        keep_weeks=np.array([keep]),
        first_week=np.array([0]),
        least=least * one,
        multiple=multiple * one,
        most=0 * one,
        line=np.zeros((1, 1), dtype=np.int64),
        unit_minutes=np.ones((1, 1)),
        setup_minutes=np.zeros((1, 1)),
        setup_cost=np.full((1, 1), setup),
    )


@pytest.mark.parametrize(
    ("setup", "holding", "demand", "cost"),
    [(500, 2, [90.0, 120, 80, 70], 1380), (120, 0.8, [150.0, 100, 80, 200], 424)],
)
def test_without_lateness_it_is_wagner_whitin(setup: float, holding: float, demand: list[float], cost: float) -> None:
    """Snyder & Shen's dynamic lot sizes again, by the shortest path with lateness made dear."""
    items = item(demand, holding=holding, backorder=1e4, setup=setup)
    value, is_setup, level = Pricing(items).cheapest(np.zeros((1, 4)), np.full((1, 4), float(setup)))
    found = build(items, is_setup, level, np.zeros((1, 4), dtype=np.int64))
    assert value[0] == pytest.approx(cost)
    assert found.cost[0] == pytest.approx(cost)
    assert found.units[0].tolist() == wagner_whitin(setup, holding, demand)[0]


nets = st.lists(st.floats(0, 50), min_size=1, max_size=7)


@settings(deadline=None)
@given(nets, st.floats(0, 20), st.floats(0, 200), st.integers(0, 4), st.data())
def test_no_plan_of_an_item_costs_less_than_its_price(
    net: list[float], safety: float, setup: float, keep: int, data: st.DataObject
) -> None:
    items = item(net, safety=safety, setup=setup, keep=keep)
    weeks = len(net)
    prices = np.array([data.draw(st.lists(st.floats(0, 5), min_size=weeks, max_size=weeks))])
    value, is_setup, level = Pricing(items).cheapest(prices, np.full((1, weeks), setup))
    lots = data.draw(st.lists(st.floats(0, 80) | st.just(0.0), min_size=weeks, max_size=weeks))
    route = np.zeros((1, weeks), dtype=np.int64)
    for plan in (roll(items, np.array([lots]), route), build(items, is_setup, level, route)):
        assert value[0] <= plan.cost[0] + float((plan.units * prices).sum()) + 1e-2


@settings(deadline=None)
@given(nets, st.floats(0, 20), st.sampled_from([0.0, 12.0]), st.sampled_from([0.0, 1.0, 6.0]), st.integers(0, 4))
def test_what_is_made_is_used_held_owed_or_wasted(
    net: list[float], safety: float, least: float, multiple: float, keep: int
) -> None:
    items = item(net, safety=safety, least=least, multiple=multiple, keep=keep)
    weeks = len(net)
    _, is_setup, level = Pricing(items).cheapest(np.zeros((1, weeks)), np.full((1, weeks), 10.0))
    plan = build(items, is_setup, level, np.zeros((1, weeks), dtype=np.int64))
    ahead = np.cumsum(plan.units - plan.wasted - items.net, axis=1)
    assert plan.stock == pytest.approx(items.base + ahead, abs=1e-6)
    made = plan.units[plan.units > 0]
    assert (made >= least - 1e-9).all()
    if multiple:
        assert made / multiple == pytest.approx(np.round(made / multiple), abs=1e-9)


def test_a_unit_that_outlives_its_shelf_life_is_wasted() -> None:
    items = item([5.0, 5.0, 5.0, 5.0], keep=1, least=12.0)
    plan = roll(items, np.array([[12.0, 0.0, 12.0, 0.0]]), np.zeros((1, 4), dtype=np.int64))
    assert plan.wasted.tolist() == [[0.0, 2.0, 0.0, 2.0]]
