"""What a festival did before is found wherever it falls this year, and does not colour the days it is not on."""

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from forecasting.features import look, target_features, vantage
from forecasting.festivals import festival_features, look_at_festivals, out_of_usual
from forecasting.grid import Floats, Grid

DAYS, AHEAD = 800, 28
SPRING, CLOSED = 1.0, 2.0
# The spring festival comes eleven days later in its second year and eight earlier in its third.
SPRINGS = (100, 475, 820)
CLOSINGS = (780,)


def grid_with_festivals(counts: int = 2) -> Grid:
    """Days of ten and twenty units; three times as many at a spring festival, none where all is closed."""
    values = np.tile(np.array([[10.0], [20.0]]), (counts // 2, DAYS))
    event = np.zeros((counts, DAYS + AHEAD))
    for day in SPRINGS:
        event[:, day] = SPRING
    for day in CLOSINGS:
        event[:, day] = CLOSED
    values[event[:, :DAYS] == SPRING] *= 3.0
    values[event[:, :DAYS] == CLOSED] = 0.0
    return Grid(
        keys=pl.DataFrame({"unique_id": [f"s{row}" for row in range(counts)]}),
        freq="D",
        first_on=date(2021, 1, 4),
        values=values,
        ahead=AHEAD,
        static={},
        known={"event": event},
        known_part={"event": "festival"},
        past={},
    )


def index_of_all(grid: Grid, origin: int, target: int) -> Floats:
    return target_features(vantage(look(grid), origin), target - origin)["festival_index_of_all"][0]


def test_a_festival_that_moved_is_known_by_what_it_did() -> None:
    grid = grid_with_festivals()
    np.testing.assert_allclose(index_of_all(grid, DAYS - 1, SPRINGS[2]), 3.0)
    np.testing.assert_allclose(index_of_all(grid, DAYS - 1, SPRINGS[2] - 3), 1.0)


def test_a_festival_nobody_has_seen_is_unknown_and_a_plain_day_is_usual() -> None:
    grid = grid_with_festivals()
    assert np.isnan(index_of_all(grid, 90, SPRINGS[0])).all()
    np.testing.assert_array_equal(index_of_all(grid, 300, 310), 1.0)


def test_the_days_around_a_festival_are_known_too() -> None:
    """The day before the festival sells half as much again, each year."""
    grid = grid_with_festivals()
    for day in SPRINGS[:2]:
        grid.values[:, day - 1] *= 1.5
    np.testing.assert_allclose(index_of_all(grid, DAYS - 1, SPRINGS[2] - 1), 1.5)


def test_series_with_calendars_of_their_own_look_at_their_own_festival() -> None:
    grid = grid_with_festivals()
    grid.known["event"][1, :] = 0.0
    festivals = look_at_festivals(grid)
    assert festivals is not None
    assert festivals.calendar.tolist() == [0, 1]
    told = festival_features(
        grid, festivals, {"own": (np.arange(2), out_of_usual(grid.values, grid))}, DAYS - 1, SPRINGS[2]
    )
    np.testing.assert_allclose(told["festival_index_of_own"][0], [3.0, 1.0])


def test_a_closed_day_does_not_pull_its_weekday_down() -> None:
    closed = grid_with_festivals()
    for step in range(1, 8):
        told = target_features(vantage(look(closed), DAYS - 1), step)
        np.testing.assert_allclose(told["season_index"][0], 1.0)
        np.testing.assert_allclose(told["same_phase"][0], told["same_phase"][0][0])


def test_a_series_that_has_little_but_festivals_keeps_its_weekdays() -> None:
    grid = grid_with_festivals()
    grid.known["event"][:] = SPRING
    told = target_features(vantage(look(grid), DAYS - 1), 3)
    assert np.isfinite(told["same_phase"][0]).all()


@pytest.mark.parametrize("origin", [300, 470, 474, 600])
def test_neither_later_demand_nor_a_later_plan_moves_a_festival_feature(origin: int) -> None:
    grid = grid_with_festivals()
    moved = replace(grid, values=grid.values.copy(), known={"event": grid.known["event"].copy()})
    moved.values[:, origin + 1 :] *= 7.0
    moved.known["event"][:, origin + AHEAD + 1 :] = CLOSED
    for step in range(1, AHEAD + 1):
        first, second = (target_features(vantage(look(told), origin), step) for told in (grid, moved))
        for name in first:
            np.testing.assert_array_equal(first[name][0], second[name][0], err_msg=f"{name} at step {step}")
