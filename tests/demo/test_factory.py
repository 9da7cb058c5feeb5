"""The mill works within its minutes and makes what its orders say."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from tests.demo.conftest import Made


def test_no_shift_works_longer_than_its_minutes(small: Made) -> None:
    used = (
        small.tables["mes.results"]
        .group_by("shift")
        .agg(minutes=(pl.col("ended_at") - pl.col("started_at")).dt.total_seconds().sum() / 60, runs=pl.len())
    )
    shifts = used.join(small.truth["shift_counts"], left_on="shift", right_on="shift_id", how="left")
    assert shifts["available"].null_count() == 0
    # Times are whole seconds.
    assert shifts.filter(pl.col("minutes") > pl.col("available") + pl.col("runs") / 60).height == 0


def test_no_line_runs_two_orders_at_once(small: Made) -> None:
    runs = (
        small.tables["mes.results"]
        .sort("line", "started_at")
        .with_columns(gap=pl.col("started_at").shift(-1).over("line") - pl.col("ended_at"))
    )
    assert runs["gap"].min() >= timedelta(seconds=-1)  # type: ignore[operator]


def test_results_of_a_completed_order_add_up_to_what_was_planned(small: Made) -> None:
    made = small.tables["mes.results"].group_by("work_order").agg(pl.col("good_qty").sum())
    orders = (
        small.tables["mes.work_orders"].filter(pl.col("state") == "completed").join(made, on="work_order", how="left")
    )
    assert (orders["planned_qty"] == orders["good_qty"]).all()


def test_a_usual_week_takes_two_thirds_to_nine_tenths_of_its_minutes(small: Made) -> None:
    results = small.tables["mes.results"].with_columns(week=pl.col("ended_at").dt.truncate("1w"))
    used = results.group_by("line", "week").agg(
        minutes=(pl.col("ended_at") - pl.col("started_at")).dt.total_seconds().sum() / 60
    )
    calendar = (
        small.tables["mes.calendars"]
        .group_by("line", week=pl.col("starts_at").dt.truncate("1w"))
        .agg(pl.col("available_minutes").sum())
    )
    share = used.join(calendar, on=["line", "week"]).select(
        share=pl.col("minutes") / pl.col("available_minutes"), line="line"
    )
    usual = share.group_by("line").agg(pl.col("share").median())["share"]
    assert usual.is_between(0.55, 0.9).all(), usual.to_list()


def test_calendars_are_known_ten_weeks_ahead_and_no_further(small: Made) -> None:
    calendar = small.tables["mes.calendars"].with_columns(
        ahead=pl.col("starts_at").dt.replace_time_zone("America/New_York").dt.convert_time_zone("UTC")
        - pl.col("known_at")
    )
    later = calendar.filter(pl.col("starts_at").dt.date() > pl.date(2017, 3, 1))
    assert later["ahead"].min() >= timedelta(days=69)  # type: ignore[operator]
    assert later["ahead"].max() <= timedelta(days=77)  # type: ignore[operator]
