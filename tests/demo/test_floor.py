"""What happens on the lines agrees with what the MES says was made there, and the warehouse gave out for it."""

from __future__ import annotations

import itertools
from datetime import timedelta

import polars as pl

from demo import checks, floor, signals
from tests.demo.conftest import Made


def ends(work: pl.DataFrame) -> pl.DataFrame:
    return work.with_columns(stop_ends=pl.col("stops_at") + pl.duration(seconds="stop_seconds"))


def test_set_up_stop_and_running_are_the_minutes_of_the_result(small: Made) -> None:
    work, results = ends(small.tables["scada.runs"]), small.tables["mes.results"]
    moments = ["started_at", "runs_from", "stops_at", "stop_ends", "ended_at"]
    for before, after in itertools.pairwise(moments):
        assert (work[before] <= work[after]).all(), (before, after)
    both = work.join(results, left_on="result", right_on="result_no", suffix="_told")
    assert both.height == results.height
    setup = (pl.col("runs_from") - pl.col("started_at")).dt.total_seconds()
    away = both.select(
        setup=(setup - pl.col("setup_minutes") * 60).abs().max(),
        stop=(pl.col("stop_seconds") - pl.col("stop_minutes") * 60).abs().max(),
    )
    assert away.row(0) <= (1.0, 1.0), away


def test_every_long_stop_rings_once_within_its_result_and_is_over_when_the_line_runs_again(small: Made) -> None:
    alarms, work = small.tables["scada.alarms"], ends(small.tables["scada.runs"])
    long = work.filter(pl.col("stop_seconds") >= floor.ALARM_SECONDS)
    over = alarms.filter(pl.col("cleared_at").is_not_null())
    assert over["event"].n_unique() == over.height == alarms["event"].n_unique()
    stops = over.filter(pl.col("class") == "stop").with_columns(result=pl.col("event").str.slice(2))
    both = stops.join(long, on="result")
    assert both.height == stops.height == long.height > 0
    assert (both["raised_at"] == both["stops_at"]).all()
    assert (both["cleared_at"] == both["stop_ends"]).all()
    assert (both["text"] == both["stop_reason"]).all()
    answered = alarms.filter(pl.col("acknowledged_at").is_not_null())
    assert answered.filter(~pl.col("acknowledged_at").is_between("raised_at", "changed_at")).is_empty()
    assert set(answered["class"]) == {"stop", "process"}
    # Each message says more than the one before it, and later.
    assert not alarms.select("event", "changed_at").is_duplicated().any()


def test_a_repair_begins_with_its_alarm_and_ends_with_it(small: Made) -> None:
    last = small.tables["maintenance.orders"].unique("order_no", keep="last", maintain_order=True)
    alarms = small.tables["scada.alarms"].filter(pl.col("cleared_at").is_not_null())
    both = last.join(alarms, left_on="alarm", right_on="event")
    assert both.height == last.height > 0
    assert (both["opened_at"] == both["acknowledged_at"]).all()
    assert (both["closed_at"] == both["cleared_at"]).all()
    assert (both["cause"] == both["text"]).all()
    assert set(both["cause"]) <= set(floor.MACHINES)
    assert (both["cleared_at"] - both["raised_at"]).min() >= timedelta(seconds=floor.REPAIR_SECONDS)  # type: ignore[operator]


def test_a_check_fails_where_scrap_has_a_reason_that_it_can_see(small: Made) -> None:
    quality, results = small.tables["mes.quality"], small.tables["mes.results"]
    first = quality.unique("check_no", keep="first", maintain_order=True)
    assert first.height == results.height
    assert (first["passed"] == first.select(pl.col("value").is_between("lower", "upper")).to_series()).all()
    seen = {reason: name for name, (*_, reason) in checks.CHARACTERISTICS.items()}
    both = first.with_columns(result_no=pl.col("check_no").str.slice(3)).join(results, on="result_no")
    expected = pl.col("scrap_reason").is_in(list(seen)).fill_null(value=False)
    assert both.filter(expected == pl.col("passed")).is_empty()
    failed = both.filter(~pl.col("passed"))
    assert failed.height > 0
    assert (failed["characteristic"] == failed["scrap_reason"].replace_strict(seen)).all()
    assert set(failed["disposition"]) == {"on_hold"}
    last = quality.unique("check_no", keep="last", maintain_order=True)
    assert last.filter(pl.col("disposition") == "on_hold").is_empty()


def test_what_lots_took_of_each_component_is_what_the_warehouse_issued(small: Made) -> None:
    used = small.tables["mes.consumption"].unique(
        ["work_order", "component_lot", "batch"], keep="last", maintain_order=True
    )
    assert not used.select("component", "component_lot").unique().select("component_lot").is_duplicated().any()
    moved = small.tables["wms.movements"].filter((pl.col("type") == "issue") & (pl.col("site") == "PLANT"))
    issued = moved.group_by(component="material").agg(issued=pl.col("qty").sum().cast(pl.Float64))
    both = used.group_by("component").agg(pl.col("qty").sum()).join(issued, on="component", how="full")
    assert both["qty"].null_count() + both["issued"].null_count() == 0
    # The warehouse rounds once a day, the MES for each result.
    assert both.filter((pl.col("qty") - pl.col("issued")).abs() > 0.01 * pl.col("issued")).is_empty()


def test_no_delivery_is_used_before_it_came(small: Made) -> None:
    used = small.tables["mes.consumption"].with_columns(week=pl.col("component_lot").str.slice(-6))
    brought = pl.col("used_at").dt.convert_time_zone("America/New_York").dt.strftime("%G%V")
    early = used.filter(pl.col("week") > brought)
    assert early.is_empty(), early
    assert used["week"].n_unique() > 40


def test_the_states_of_a_line_are_those_of_its_runs(small: Made) -> None:
    kept, work = small.tables["scada.kept"], ends(small.tables["scada.runs"])
    recorded = work.filter(pl.col("started_at") >= signals.RECORDED_FROM)
    states = kept.filter(pl.col("node").str.ends_with("/State")).with_columns(line_id=pl.col("node").str.head(2))
    assert states.filter(pl.col("text") == pl.col("text").shift(1).over("line_id")).is_empty()
    stopped = recorded.filter(pl.col("stop_seconds") > 0)
    for moment, state in (("stops_at", "stopped"), ("stop_ends", "running")):
        asked = stopped.filter(pl.col("stop_ends") < pl.col("ended_at")).select("line_id", at=moment).sort("at")
        found = asked.join_asof(states.sort("at"), on="at", by="line_id", check_sortedness=False)
        assert set(found["text"]) == {state}
    assert {"setup", "running", "stopped", "idle", "cleaning", "maintenance", "off"} == set(states["text"])


def test_a_process_that_is_too_hot_shows_in_its_temperatures(small: Made) -> None:
    kept = small.tables["scada.kept"].filter(pl.col("node").str.ends_with("/ProcessTemperature"))
    kept = kept.with_columns(line=pl.col("node").str.head(2)).sort("at")
    alarms = small.tables["scada.alarms"].filter((pl.col("class") == "process") & pl.col("cleared_at").is_not_null())
    shown = kept.join_asof(
        alarms.sort("raised_at").select("line", "raised_at", "cleared_at"),
        left_on="at",
        right_on="raised_at",
        by="line",
        check_sortedness=False,
    )
    is_hot = (pl.col("at") < pl.col("cleared_at")).fill_null(value=False)
    warm = pl.col("line").replace_strict({line: kinds[0] for line, kinds in signals.PROCESS.items()})
    is_running = pl.col("status") == signals.GOOD
    share = shown.filter(is_hot & is_running).select((pl.col("number") > warm * 1.015).mean()).item()
    assert share == 1.0
    assert (kept["status"] == signals.BAD).any()
