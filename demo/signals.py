"""What the lines' sensors and controls say: states and process values on the MES's OPC UA server, the hall over MQTT.

Recorded from `RECORDED_FROM` on: what is before it, nobody has kept.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

from demo import days, draws, factory

# Midnight in the mill, three days before the demo's clock: a Friday, a Saturday, a Sunday of rest.
RECORDED_FROM = datetime(2017, 12, 1, 5, tzinfo=UTC)
SENSOR_MINUTES = 5
# Of each line's process: °C it is kept at while running, while cleaned, and how much it varies.
PROCESS = {"L1": (74.0, 82.0, 0.3), "L2": (32.5, 78.0, 0.2), "L3": (218.0, 40.0, 1.5)}
HOT_SHARE = 0.04
GOOD, UNCERTAIN, BAD = "Good", "UncertainSensorNotAccurate", "BadSensorFailure"
BAD_SHARE = 0.002
HALL = {"room_temperature": "°C", "room_humidity": "%", "air_pressure": "bar", "cold_room_temperature": "°C"}
KEPT = ["node", "at", "number", "text", "status"]


def states(work: pl.DataFrame, calendar: pl.DataFrame) -> pl.DataFrame:
    """The lines' states as they change: line_id, at (UTC), state, work_order (empty where none), speed (units an hour).

    `work` is `floor.runs`. States are setup, running, stopped, idle, cleaning, maintenance and off.
    """
    stop_end = pl.col("stops_at") + pl.duration(seconds="stop_seconds")
    seconds = (pl.col("ended_at") - pl.col("runs_from")).dt.total_seconds() - pl.col("stop_seconds")
    speed = (pl.col("good") * 3600 / seconds.clip(1)).round(1)
    is_stopped = pl.col("stop_seconds") > 0

    def turn(rows: pl.DataFrame, at: pl.Expr | str, state: str, rank: int, *, has_order: bool = True) -> pl.DataFrame:
        return rows.select(
            "line_id",
            at=pl.col(at) if isinstance(at, str) else at,
            state=pl.lit(state),
            rank=pl.lit(rank),
            work_order=pl.col("work_order") if has_order else pl.lit(""),
            speed=speed if state == "running" else pl.lit(0.0),
        )

    halted = work.filter(is_stopped)
    turns = [
        turn(work.filter(pl.col("runs_from") > pl.col("started_at")), "started_at", "setup", 4),
        turn(work, "runs_from", "running", 4),
        turn(halted, "stops_at", "stopped", 5),
        turn(halted, stop_end, "running", 6),
        turn(work, "ended_at", "idle", 1, has_order=False),
        _planned(calendar),
    ]
    # Where two come at once, what begins is said, not what ends.
    table = (
        pl.concat(turns)
        .sort("line_id", "at", "rank", "work_order")
        .unique(["line_id", "at"], keep="last", maintain_order=True)
    )
    same = (pl.col("state") == pl.col("state").shift(1)) & (pl.col("work_order") == pl.col("work_order").shift(1))
    return table.filter(~same.over("line_id").fill_null(value=False)).drop("rank")


def _planned(calendar: pl.DataFrame) -> pl.DataFrame:
    """When shifts begin, are cleaned or maintained after, and end."""
    worked = calendar.filter((pl.col("available") > 0) & (pl.col("week") < days.WEEKS))
    after = pl.when(pl.col("reason") == "maintenance").then(pl.lit("maintenance")).otherwise(pl.lit("cleaning"))
    steps = [
        (pl.col("start"), pl.lit("idle"), 1),
        (pl.col("start") + pl.col("available"), after, 2),
        (pl.col("start") + factory.SHIFT_MINUTES, pl.lit("off"), 0),
    ]
    return pl.concat(
        worked.select(
            "line_id",
            at=days.to_utc(days.local_at(pl.col("day"), minutes)),
            state=state,
            rank=pl.lit(rank),
            work_order=pl.lit(""),
            speed=pl.lit(0.0),
        )
        for minutes, state, rank in steps
    )


def kept(turns: pl.DataFrame, work: pl.DataFrame, seed: int) -> pl.DataFrame:
    """The history of the MES's variables (columns `KEPT`, known_at): State, WorkOrder and Speed of each line as they
    change, ProcessTemperature once a minute while somebody is there."""
    late = turns.filter(pl.col("at") >= RECORDED_FROM)
    number, nothing = pl.col("speed"), pl.lit(None, pl.String)
    parts = [
        _changes(late, "state").select(
            "line_id", "at", name=pl.lit("State"), number=pl.lit(None, pl.Float64), text="state"
        ),
        _changes(late, "work_order").select(
            "line_id", "at", name=pl.lit("WorkOrder"), number=pl.lit(None, pl.Float64), text="work_order"
        ),
        _changes(late, "speed").select("line_id", "at", name=pl.lit("Speed"), number=number, text=nothing),
    ]
    told = pl.concat(parts).with_columns(status=pl.lit(GOOD))
    measured = _temperatures(turns, work, seed)
    table = pl.concat([told, measured.select(told.columns)])
    return table.select(
        node=pl.col("line_id") + pl.lit("/") + pl.col("name"),
        at="at",
        number="number",
        text="text",
        status="status",
        known_at="at",
    ).sort("known_at", "node")


def _changes(turns: pl.DataFrame, column: str) -> pl.DataFrame:
    return turns.filter((pl.col(column) != pl.col(column).shift(1).over("line_id")).fill_null(value=True))


def _temperatures(turns: pl.DataFrame, work: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Minute by minute: line_id, at, name, number, text, status."""
    grid = _grid(1).join_asof(turns.sort("at"), on="at", by="line_id", check_sortedness=False)
    grid = grid.filter(pl.col("state") != "off")
    hot = work.filter(pl.col("hot_seconds") > 0).sort("hot_from").select("line_id", "hot_seconds", at="hot_from")
    hot = hot.with_columns(hot_from="at")
    grid = grid.sort("at").join_asof(hot, on="at", by="line_id", check_sortedness=False)
    is_hot = (pl.col("at") < pl.col("hot_from") + pl.duration(seconds="hot_seconds")).fill_null(value=False)
    warm, washed, varies = (
        pl.col("line_id").replace_strict({line: kinds[at] for line, kinds in PROCESS.items()}, return_dtype=pl.Float64)
        for at in range(3)
    )
    level = (
        pl.when(pl.col("state") == "cleaning")
        .then(washed)
        .when(pl.col("state") == "maintenance")
        .then(20.0)
        .when(pl.col("state") == "running")
        .then(warm * (1 + HOT_SHARE * is_hot.cast(pl.Float64)))
        .otherwise(warm * 0.98)
    )
    fails = draws.column(seed, "probe fails", grid["line"], grid["minute"]) < BAD_SHARE
    return grid.select(
        "line_id",
        "at",
        name=pl.lit("ProcessTemperature"),
        number=(level + varies * _noise(seed, "process", grid)).round(2),
        text=pl.lit(None, pl.String),
        status=pl.when(fails)
        .then(pl.lit(BAD))
        .when(pl.col("state") == "setup")
        .then(pl.lit(UNCERTAIN))
        .otherwise(pl.lit(GOOD)),
    )


def hall(turns: pl.DataFrame, seed: int) -> pl.DataFrame:
    """What the sensors around the lines publish every five minutes, day and night: line_id, tag, at, value, unit,
    known_at. A running line warms its room and takes compressed air."""
    grid = _grid(SENSOR_MINUTES).join_asof(turns.sort("at"), on="at", by="line_id", check_sortedness=False)
    runs = (pl.col("state") == "running").fill_null(value=False).cast(pl.Float64)
    hour = pl.col("at").dt.hour().cast(pl.Float64) + pl.col("at").dt.minute() / 60
    sun = ((hour - 15) * (2 * 3.141592653589793 / 24)).sin()
    levels = {
        "room_temperature": 18.5 + 1.5 * runs + 0.8 * sun + 0.2 * _noise(seed, "room", grid),
        "room_humidity": 54 - 3 * runs + 2 * sun + 0.8 * _noise(seed, "humidity", grid),
        "air_pressure": 7.2 - 0.5 * runs + 0.05 * _noise(seed, "air", grid),
        "cold_room_temperature": 3.8 + 0.3 * sun + 0.15 * _noise(seed, "cold", grid),
    }
    return pl.concat(
        grid.select("line_id", tag=pl.lit(tag), at="at", value=level.round(2), unit=pl.lit(HALL[tag]), known_at="at")
        for tag, level in levels.items()
    ).sort("known_at", "line_id", "tag")


def _grid(minutes: int) -> pl.DataFrame:
    """Every line at every `minutes` of what is recorded: line_id, line, at, minute (since 1970), by time."""
    every = pl.datetime_range(
        RECORDED_FROM, days.LAST_RECEIPT, timedelta(minutes=minutes), time_unit="us", time_zone="UTC", eager=True
    )
    lines = pl.DataFrame({"line_id": factory.LINES}).with_row_index("line")
    return pl.DataFrame({"at": every}).join(lines, how="cross").with_columns(minute=pl.col("at").dt.epoch("s") // 60)


def _noise(seed: int, purpose: str, grid: pl.DataFrame) -> pl.Series:
    """About normal: the sum of three uniform draws, of variance one."""
    ids = grid["line"], grid["minute"]
    return (sum((draws.column(seed, f"{purpose} {part}", *ids) for part in range(3)), start=pl.Series([0.0])) - 1.5) * 2
