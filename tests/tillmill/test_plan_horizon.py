"""How far the pipeline lets the plan look: as far as forecast and every line's calendar reach."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from tillmill.learning import _weeks_known

START = date(2017, 12, 4)


def weeks(count: int) -> list[date]:
    return [START + timedelta(weeks=week) for week in range(-1, count)]


def calendar(**lines: int) -> pl.DataFrame:
    return pl.concat(pl.DataFrame({"line_id": line, "week_on": weeks(count)}) for line, count in lines.items())


def test_the_plan_looks_as_far_as_the_forecast() -> None:
    assert _weeks_known(pl.DataFrame({"week_on": weeks(10)}), calendar(L1=12, L2=11), START) == 10


def test_a_calendar_that_ends_earlier_ends_the_look_ahead() -> None:
    assert _weeks_known(pl.DataFrame({"week_on": weeks(10)}), calendar(L1=12, L2=8), START) == 8
    assert _weeks_known(pl.DataFrame({"week_on": weeks(10)}), calendar(L1=12, L2=0), START) == 0
