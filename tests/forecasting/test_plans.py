"""What a plan tells of a bucket: worked by hand, and blind to what is planned after the horizon."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from forecasting.features import look, stack, target_features, vantage
from forecasting.features import origin_columns as features_at
from forecasting.grid import Floats, Grid
from forecasting.plans import like_plans, look_at_plans, plan_features

ORIGIN = 9


def planned(values: Floats, promotion: Floats, price: Floats, event: Floats, ahead: int = 4) -> Grid:
    return Grid(
        keys=pl.DataFrame({"unique_id": ["a"]}),
        freq="W",
        first_on=date(2024, 1, 1),
        values=values,
        ahead=ahead,
        static={},
        known={"promo": promotion, "price": price, "event": event},
        known_part={"promo": "promotion", "price": "price", "event": "festival"},
        past={},
    )


def one_promotion_in_five() -> Grid:
    """Ten weeks: 5 units at price 2, 20 in two promoted weeks, 10 in the one at price 1; then four planned ones."""
    promotion = np.array([[0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0]], dtype=float)
    price = np.array([[2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 2, 1, 2]], dtype=float)
    event = np.array([[0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 4]], dtype=float)
    return planned(np.array([[5, 5, 20, 5, 10, 5, 20, 5, 5, 5]], dtype=float), promotion, price, event)


@pytest.mark.parametrize(("step", "sold"), [(1, 5.0), (2, 20.0), (3, 10.0)])
def test_a_like_plan_is_found_in_the_past(step: int, sold: float) -> None:
    """Weeks with the same promotion and price weigh one; others are many kernel widths away."""
    grid = one_promotion_in_five()
    told = like_plans(grid, look_at_plans(grid), ORIGIN, ORIGIN + step, np.ones(1))
    assert told["sold_at_like_plan"][0][0] == pytest.approx(sold, rel=0.1)
    assert told["sold_at_usual_price"][0][0] == pytest.approx(5.0, rel=0.1)


def test_switching_promotion_and_price_off_leaves_a_plain_week() -> None:
    grid = one_promotion_in_five()
    sight = look(grid)
    whole = stack(features_at(vantage(sight, ORIGIN)), target_features(vantage(sight, ORIGIN), 2), slice(None))
    place = whole.names.index("sold_at_like_plan")
    plain = whole.values[0, whole.names.index("sold_at_usual_price")]
    without = whole.without("promotion")
    assert without[0, place] == whole.values[0, whole.names.index("sold_at_like_price")]
    assert without[0, place] == pytest.approx(plain, rel=0.1)


def test_nearest_events_are_told_with_their_distance() -> None:
    grid = one_promotion_in_five()
    told = plan_features(grid, look_at_plans(grid), ORIGIN, ORIGIN + 1, np.ones(1))
    figures = {name: values[0] for name, (values, _, _) in told.items()}
    assert (figures["since_event"], figures["event_before"]) == (2.0, 3.0)
    assert (figures["until_event"], figures["event_after"]) == (3.0, 4.0)
    assert figures["price_to_before"] == 1.0


def test_a_plan_after_the_horizon_does_not_move_an_earlier_origin() -> None:
    """Trained at origin 5 with four weeks ahead, what is planned from week 10 on must not be seen."""
    grid = one_promotion_in_five()
    later = {name: values.copy() for name, values in grid.known.items()}
    for values in later.values():
        values[:, 10:] = 7.0
    moved = Grid(**{**grid.__dict__, "known": later})
    for step in (1, 2, 3, 4):
        first, second = (target_features(vantage(look(told), 5), step) for told in (grid, moved))
        for name in first.keys() - {"promo_usual"}:
            np.testing.assert_array_equal(first[name][0], second[name][0], err_msg=f"{name} at step {step}")
