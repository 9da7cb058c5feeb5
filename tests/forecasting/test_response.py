"""How demand answers price and promotion: effects that were put in come out, and nothing after an origin is seen."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from forecasting import models
from forecasting.features import look
from forecasting.grid import Floats, Grid
from forecasting.response import _recent_highest, effects_of, learn_response

SERIES, WEEKS, AHEAD = 60, 100, 6
CELLS = 200_000
ELASTICITY, DISPLAY, LOUD = -2.0, np.log(3.0), np.log(2.0)


def grid(size: float = 1.0) -> Grid:
    """Weekly demand around 40 units; a tenth of weeks 20 % cheaper, a tenth on display, which sells twice in shop 1."""
    generator = np.random.default_rng(11)
    shape = (SERIES, WEEKS + AHEAD)
    price = np.where(generator.random(shape) < 0.1, 4.0, 5.0)
    display = (generator.random(shape) < 0.1).astype(float)
    shop = np.arange(SERIES) % 2
    effect = ELASTICITY * np.log(price / 5.0) + display * (DISPLAY + LOUD * shop[:, None])
    demand = generator.poisson(40.0 * np.exp(effect))[:, :WEEKS] * size
    return Grid(
        keys=pl.DataFrame({"unique_id": [f"{number:02d}" for number in range(SERIES)]}),
        freq="W",
        first_on=date(2024, 1, 1),
        values=demand.astype(float),
        ahead=AHEAD,
        static={"shop": shop, "series": np.arange(SERIES)},
        known={"price": price, "display": display},
        known_part={"price": "price", "display": "promotion"},
        past={},
    )


def learnt(told: Grid, origin: int, horizon: int) -> Floats:
    response = learn_response(told, origin, CELLS)
    assert response is not None
    effects = effects_of(response, told, 0, origin, horizon)
    return sum(effects.values(), np.zeros((told.count, origin + 1 + horizon)))


@pytest.mark.parametrize("size", [0.01, 1.0, 1_000.0])
def test_effects_that_were_put_in_come_out_by_group_on_cents_and_tonnes(size: float) -> None:
    told = grid(size=size)
    effects = learnt(told, WEEKS - 1, AHEAD)[:, WEEKS:]
    price, display = told.known["price"][:, WEEKS:], told.known["display"][:, WEEKS:]
    shop = told.static["shop"]
    plain = effects[(price == 5.0) & (display == 0.0)].mean()
    cheap = effects[(price == 4.0) & (display == 0.0)].mean() - plain
    shown = [effects[(shop == one)[:, None] & (price == 5.0) & (display == 1.0)].mean() - plain for one in (0, 1)]
    assert cheap == pytest.approx(ELASTICITY * np.log(0.8), abs=0.1)
    assert shown == pytest.approx([DISPLAY, DISPLAY + LOUD], abs=0.2)


def test_a_promotion_that_sells_twelvefold_is_learnt_and_does_not_run_away() -> None:
    told = grid()
    twelvefold = np.where(told.known["display"][:, :WEEKS] > 0, told.values * 12.0 / 3.0, told.values)
    told = replace(told, values=twelvefold, static={"series": np.arange(SERIES)})
    effects = learnt(told, WEEKS - 1, AHEAD)[:, WEEKS:]
    shown = told.known["display"][:, WEEKS:] == 1.0
    assert np.exp(effects[shown].mean() - effects[~shown].mean()) == pytest.approx(17.0, rel=0.25)


def test_what_comes_after_an_origin_moves_no_effect_known_there() -> None:
    told, origin = grid(), 70
    generator = np.random.default_rng(3)
    later = told.values.copy()
    later[:, origin + 1 :] = generator.permuted(later[:, origin + 1 :], axis=1) * 7.0
    plan = {name: values.copy() for name, values in told.known.items()}
    for values in plan.values():
        values[:, origin + 1 + AHEAD :] = values[:, origin + 1 + AHEAD :][:, ::-1] * 3.0
    moved = replace(told, values=later, known=plan)
    np.testing.assert_array_equal(learnt(told, origin, AHEAD), learnt(moved, origin, AHEAD))


def test_a_bucket_beyond_the_plan_has_the_usual_effect_and_not_the_planned_one() -> None:
    told = replace(grid(), reach={"price": 2, "display": 2})
    effects = learnt(told, WEEKS - 1, AHEAD)
    beyond = effects[:, WEEKS + 2 :]
    np.testing.assert_allclose(beyond, np.repeat(beyond[:, :1], AHEAD - 2, axis=1))
    plan = {name: values.copy() for name, values in told.known.items()}
    for values in plan.values():
        values[:, WEEKS + 2 :] *= 0.5
    np.testing.assert_array_equal(learnt(replace(told, known=plan), WEEKS - 1, AHEAD), effects)
    response = learn_response(told, WEEKS - 1, CELLS)
    assert response is not None
    by_part = effects_of(response, told, 0, WEEKS - 1, AHEAD)
    assert not by_part["price"][:, WEEKS + 2 :].any()
    assert not by_part["promotion"][:, WEEKS + 2 :].any()
    assert not by_part["base"][:, : WEEKS + 2].any()


def test_where_nothing_was_ever_planned_there_is_no_response_and_no_member() -> None:
    told = grid()
    still = {"price": np.full_like(told.known["price"], 5.0), "display": np.zeros_like(told.known["display"])}
    assert learn_response(replace(told, known=still), WEEKS - 1, CELLS) is None
    assert learn_response(replace(told, known={}, known_part={}), WEEKS - 1, CELLS) is None
    assert learn_response(replace(told, values=np.zeros_like(told.values)), WEEKS - 1, CELLS) is None


def test_demand_freed_of_its_promotions_answers_the_plan_better_than_smoothing_and_its_parts_say_by_what() -> None:
    told, origin = grid(), WEEKS - 1 - AHEAD
    response = learn_response(told, origin, CELLS)
    assert response is not None
    freed, parts = models.freed_member(response, look(told), origin, AHEAD)
    smoothed = models.statistical_members(look(told), origin, AHEAD)[models.SMOOTHING]
    came = told.values[:, origin + 1 : origin + 1 + AHEAD]
    assert np.abs(freed - came).sum() < 0.5 * np.abs(smoothed - came).sum()
    shown = told.known["display"][:, origin + 1 : origin + 1 + AHEAD] == 1.0
    assert parts["promotion"][shown].min() > 40.0
    assert np.abs(parts["promotion"][~shown]).max() < 10.0


def test_effects_since_a_later_bucket_are_the_last_of_all() -> None:
    told, since = grid(), 80
    response = learn_response(told, WEEKS - 1, CELLS)
    assert response is not None
    late, whole = (effects_of(response, told, first, WEEKS - 1, AHEAD) for first in (since, 0))
    for part, effects in whole.items():
        np.testing.assert_array_equal(late[part], effects[:, since:])


def test_a_price_is_held_against_the_highest_of_the_year_before_and_not_after() -> None:
    price = np.array([[np.nan, 5.0, 4.0, 3.0, 2.0, 6.0, 1.0]])
    np.testing.assert_array_equal(_recent_highest(price, 4, 3), [[np.nan, 5.0, 5.0, 5.0, 4.0, 4.0, 4.0]])
    np.testing.assert_array_equal(_recent_highest(price, 4, 4), [[np.nan, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0]])
