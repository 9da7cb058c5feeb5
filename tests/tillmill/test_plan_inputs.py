"""What the pipeline lets the plan look at: the running week's rest, and as far as forecast and calendar reach."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from tillmill.plan_inputs import from_start, weeks_known

START = date(2017, 12, 4)


def weeks(count: int) -> list[date]:
    return [START + timedelta(weeks=week) for week in range(-1, count)]


def calendar(**lines: int) -> pl.DataFrame:
    return pl.concat(pl.DataFrame({"line_id": line, "week_on": weeks(count)}) for line, count in lines.items())


def test_the_plan_looks_as_far_as_the_forecast() -> None:
    assert weeks_known(pl.DataFrame({"week_on": weeks(10)}), calendar(L1=12, L2=11), START) == 10


def test_a_calendar_that_ends_earlier_ends_the_look_ahead() -> None:
    assert weeks_known(pl.DataFrame({"week_on": weeks(10)}), calendar(L1=12, L2=8), START) == 8
    assert weeks_known(pl.DataFrame({"week_on": weeks(10)}), calendar(L1=12, L2=0), START) == 0


@pytest.mark.parametrize(("days_left", "first"), [(7, 35.0), (1, 23.0)])
def test_what_is_still_sold_before_the_plan_begins_is_wanted_in_its_first_week(days_left: int, first: float) -> None:
    """Forty pieces in stock on Monday are not there next Monday."""
    demand = pl.DataFrame(
        {
            "sku": ["1", "1", "1", "2"],
            "location_id": "PLANT",
            "channel_id": "store",
            "week_on": [*weeks(2), START],
            "mean": [14.0, 21.0, 28.0, 5.0],
            "q50": [14.0, 20.0, 27.0, 5.0],
            "q90": [20.0, 31.0, 40.0, 9.0],
        }
    )
    told = from_start(demand, START - timedelta(days=days_left), START)
    assert told["mean"].to_list() == [first, 28.0, 5.0]
    assert (told["q90"] - told["mean"]).to_list() == [10.0, 12.0, 4.0]
    assert told.columns == demand.columns
