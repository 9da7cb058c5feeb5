"""What happens on the mill's lines second by second: set-ups, stops with their reasons, alarms, repairs.

All of it agrees with the results: a result's minutes are its set-up, its stop and its running, in that order but for
the stop, which falls somewhere into the running.
"""

from __future__ import annotations

import polars as pl

from demo import days, draws, factory

# A stop with a machine's name is a fault of that machine; the others are somebody's waiting.
MACHINES = {
    "infeed jam": "INFEED",
    "sealing jaw worn": "SEALER",
    "label web torn": "LABELLER",
    "drive overload": "DRIVE",
}
STOP_REASONS = [*MACHINES, "no packaging at the line", "waiting for material"]
ALARM_SECONDS, REPAIR_SECONDS = 180, 20 * 60  # a shorter stop rings no bell; a shorter fault calls no technician
DAY_SECONDS = 86_400
MONEY = pl.Decimal(18, 2)
MESSAGE = ["event", "device", "line", "class", "severity", "raised_at", "acknowledged_at", "cleared_at", "changed_at"]


def _after(moment: str, seconds: pl.Expr | str) -> pl.Expr:
    return pl.col(moment) + pl.duration(seconds=seconds)


def runs(made: pl.DataFrame, seed: int) -> pl.DataFrame:
    """One row per result: line_id, shift_id, work_order, result, good, scrap, stop_reason, stop_seconds, and when (UTC)
    it started_at, runs_from, stops_at, is too hot (hot_from, hot_seconds; 0 where it never is), ended_at, known_at.

    `made` is `mill_records.results`.
    """
    ids = made["product_id"], made["week"], made["part"]
    place = draws.column(seed, "place of the stop", *ids)
    timed = made.with_columns(
        started_at=days.to_utc(pl.col("started_at")),
        span=(pl.col("ended_at") - pl.col("started_at")).dt.total_seconds(),
        stop_reason=draws.pick(seed, "stop reason", STOP_REASONS, *ids),
        acknowledged_after=15 + 105 * draws.column(seed, "acknowledged", *ids),
        parts=draws.column(seed, "parts", *ids),
    ).with_columns(setup=(pl.col("setup_part") * 60).round(0).cast(pl.Int64).clip(0, pl.col("span")))
    room = pl.col("span") - pl.col("setup")
    timed = timed.with_columns(stop_seconds=(pl.col("stop_minutes") * 60).round(0).cast(pl.Int64).clip(0, room))
    before = ((room - pl.col("stop_seconds")) * (0.1 + 0.8 * place)).round(0).cast(pl.Int64)
    is_hot = (pl.col("scrap_reason") == "temperature").fill_null(value=False)
    timed = timed.with_columns(runs_from=_after("started_at", "setup"), before=before).with_columns(
        stops_at=_after("runs_from", "before"),
        hot_from=_after("runs_from", pl.col("before") // 10),
        hot_seconds=pl.when(is_hot).then((pl.col("before") // 2).clip(0, 300)).otherwise(0),
    )
    order = ["line_id", "shift_id", "work_order", "result", "good", "scrap", "stop_reason", "stop_seconds"]
    moments = ["started_at", "runs_from", "stops_at", "hot_from", "hot_seconds"]
    return timed.select(
        *order, *moments, "acknowledged_after", "parts", ended_at=days.to_utc(pl.col("ended_at")), known_at="known_at"
    ).sort("known_at", "result")


def alarms(work: pl.DataFrame, calendar: pl.DataFrame) -> pl.DataFrame:
    """Every alarm of the lines: event, device, line, class, severity, text, raised_at, acknowledged_at (null where
    nobody has to), cleared_at.

    `work` is `runs`. Stops from three minutes on, temperatures out of range, and the planned stops of each shift.
    """
    stop = pl.col("stop_seconds")
    stops = work.filter(stop >= ALARM_SECONDS).select(
        event=pl.lit("S-") + pl.col("result"),
        line="line_id",
        severity=pl.when(stop >= REPAIR_SECONDS).then(pl.lit("high")).otherwise(pl.lit("medium")),
        text="stop_reason",
        raised_at="stops_at",
        acknowledged_after="acknowledged_after",
        cleared_at=_after("stops_at", "stop_seconds"),
    )
    hot = work.filter(pl.col("hot_seconds") > 0).select(
        event=pl.lit("T-") + pl.col("result"),
        line="line_id",
        severity=pl.lit("high"),
        text=pl.lit("process temperature out of range"),
        raised_at="hot_from",
        acknowledged_after="acknowledged_after",
        cleared_at=_after("hot_from", "hot_seconds"),
    )
    minutes = pl.col("start") + pl.col("available")
    planned = calendar.filter(
        (pl.col("available") > 0) & (pl.col("available") < factory.SHIFT_MINUTES) & (pl.col("week") < days.WEEKS)
    ).select(
        event=pl.lit("P-") + pl.col("shift_id"),
        line="line_id",
        severity=pl.lit("low"),
        text=pl.when(pl.col("reason") == "maintenance").then(pl.lit("maintenance")).otherwise(pl.lit("cleaning")),
        raised_at=days.to_utc(days.local_at(pl.col("day"), minutes)),
        acknowledged_after=pl.lit(None, pl.Float64),
        cleared_at=days.to_utc(days.local_at(pl.col("day"), pl.col("start") + factory.SHIFT_MINUTES)),
    )
    # Nobody answers a bell that has stopped ringing.
    span = (pl.col("cleared_at") - pl.col("raised_at")).dt.total_seconds()
    waited = pl.col("acknowledged_after")
    answered = pl.when(waited > span / 2).then(span / 2).otherwise(waited).floor().cast(pl.Int64)
    classes = {"S": "stop", "T": "process", "P": "planned"}
    return pl.concat([stops, hot, planned]).select(
        "event",
        "line",
        "severity",
        "text",
        "raised_at",
        "cleared_at",
        device=pl.col("line") + pl.lit("-PLC"),
        acknowledged_at=_after("raised_at", answered),
        **{"class": pl.col("event").str.head(1).replace_strict(classes, return_dtype=pl.String)},
    )


def messages(every: pl.DataFrame) -> pl.DataFrame:
    """What the gateway says of the alarms: one row when an alarm is raised, one when it is acknowledged, one when it is
    over; each with what is known by then (columns `MESSAGE`, text, known_at)."""
    nothing = pl.lit(None, pl.Datetime("us", "UTC"))
    raised = every.with_columns(acknowledged_at=nothing, cleared_at=nothing, changed_at="raised_at")
    answered = every.filter(pl.col("acknowledged_at") > pl.col("raised_at")).with_columns(
        cleared_at=nothing, changed_at="acknowledged_at"
    )
    over = every.with_columns(changed_at="cleared_at")
    return (
        pl.concat([frame.select(*MESSAGE, "text") for frame in (raised, answered, over)])
        .with_columns(known_at="changed_at")
        .sort("known_at", "event")
    )


def repairs(work: pl.DataFrame, every: pl.DataFrame) -> pl.DataFrame:
    """maintenance.orders: each fault of a machine that took twenty minutes or more, opened when its alarm was
    acknowledged, taken up by a technician, closed when the line ran again: a row for each of these."""
    faults = work.filter(
        (pl.col("stop_seconds") >= REPAIR_SECONDS) & pl.col("stop_reason").is_in(list(MACHINES))
    ).select("parts", event=pl.lit("S-") + pl.col("result"))
    machine = pl.col("text").replace_strict(MACHINES, default=None, return_dtype=pl.String)
    table = every.join(faults, on="event").select(
        order_no=pl.lit("MO-") + pl.col("event").str.slice(2),
        asset=pl.col("line") + pl.lit("-") + machine,
        line="line",
        alarm="event",
        opened_at="acknowledged_at",
        taken_at=_after(
            "acknowledged_at", ((pl.col("cleared_at") - pl.col("acknowledged_at")).dt.total_seconds() // 4)
        ),
        closed_at="cleared_at",
        cause="text",
        # A third of the faults need no part.
        parts=pl.when(pl.col("parts") > 1 / 3).then((pl.col("parts") * 240).round(2)).otherwise(0).cast(MONEY),
    )
    later, unpaid = pl.lit(None, pl.Datetime("us", "UTC")), pl.lit(None, MONEY)
    opened = table.with_columns(taken_at=later, closed_at=later, parts=unpaid, known_at="opened_at")
    taken = table.with_columns(closed_at=later, parts=unpaid, known_at="taken_at")
    closed = table.with_columns(known_at="closed_at")
    return pl.concat([opened, taken, closed]).with_columns(currency=pl.lit("USD")).sort("known_at", "order_no")
