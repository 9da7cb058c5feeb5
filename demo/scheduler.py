"""The mill's production scheduler: takes in the plans handed over, lays their orders into shifts, and answers each.

It reads the folders that the pipeline exports, whole plans only, and keeps its answers in `run/scheduler`.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from demo import days, draws, world

PLANS, ORDERS, MANIFEST = "plan-v*", "schedule_orders.csv", "manifest.json"
TAKES = timedelta(hours=2)  # from taking a plan in to answering it
REFUSED_SHARE = 0.01  # of the new orders
REPAIR_SHARE = 0.06  # of the shifts
REFUSAL = "recipe not cleared for this line"
NO_ROOM = "no minutes left in the week"
CUT = "cut to the minutes left in the week"
WEEK = ["line_id", "week_on"]
UNITS = pl.Decimal(18, 3)
SCHEMA = pl.Schema(
    {
        "bod_id": pl.String,
        "order_id": pl.String,
        "version": pl.Int64,
        "verdict": pl.String,
        "confirmed_units": UNITS,
        "confirmed_end_at": pl.Datetime("us", "UTC"),
        "reason": pl.String,
        "answered_at": pl.Datetime("us", "UTC"),
    }
)


def folder(root: Path) -> Path:
    """Where the scheduler of workspace `root` keeps its answers, a file per plan."""
    return root / "run" / "scheduler"


def take_in(root: Path, clock: datetime) -> int:
    """Answers the plans it has not answered yet, as of `clock`; returns how many. Repeating it changes nothing."""
    known = world.about(root)
    taken = 0
    for plan in sorted((root / "exports").glob(PLANS)):
        target = folder(root) / f"{plan.name}.parquet"
        orders = None if target.exists() else whole_plan(plan)
        if known is None or orders is None:
            continue
        shifts = world.table(root, "mes.calendars").filter(pl.col("known_at") <= clock).collect()
        answers = answered(orders, shifts, known.seed).with_columns(
            bod_id=pl.lit(plan.name), answered_at=pl.lit(clock + TAKES).cast(SCHEMA["answered_at"])
        )
        target.parent.mkdir(parents=True, exist_ok=True)
        unseen = target.with_suffix(".new")
        answers.select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items()).write_parquet(unseen)
        unseen.replace(target)
        taken += 1
    return taken


def answers(root: Path, clock: datetime) -> pl.DataFrame:
    """Every answer given up to `clock`, in the order of plans and orders; columns of SCHEMA."""
    kept = [pl.read_parquet(path) for path in sorted(folder(root).glob("*.parquet"))]
    every = pl.concat([pl.DataFrame(schema=SCHEMA), *kept])
    return every.filter(pl.col("answered_at") <= clock).sort("answered_at", maintain_order=True)


def whole_plan(plan: Path) -> pl.DataFrame | None:
    """The orders of a plan whose manifest agrees with them; None while it does not."""
    try:
        wanted = json.loads((plan / MANIFEST).read_text())["files"][ORDERS]["sha256"]
        content = (plan / ORDERS).read_bytes()
    except (FileNotFoundError, KeyError):
        return None
    if hashlib.sha256(content).hexdigest() != wanted:
        return None
    moments = [pl.col(name).str.to_datetime(time_unit="us", time_zone="UTC") for name in ("start_at", "end_at")]
    return pl.read_csv(content, infer_schema=False).with_columns(
        *moments, pl.col("version").cast(pl.Int64), pl.col("units").cast(UNITS).cast(pl.Float64)
    )


def answered(orders: pl.DataFrame, shifts: pl.DataFrame, seed: int) -> pl.DataFrame:
    """One verdict per order: order_id, version, verdict, confirmed_units, confirmed_end_at, reason (null: confirmed).

    Line by line and week by week the orders take the shifts' minutes in the plan's sequence. One that runs out of them
    is `changed` to the units that fit, or `rejected` where none do; a few new ones are refused, and take none.
    """
    laid = (
        orders.with_columns(
            week_on=pl.col("start_at").dt.date().dt.truncate("1w"),
            minutes=(pl.col("end_at") - pl.col("start_at")).dt.total_microseconds() / 60e6,
            is_refused=_refused(orders, seed),
        )
        .with_columns(minutes=pl.when("is_refused").then(0.0).otherwise("minutes"))
        .sort("line_id", "start_at", "order_id")
        .with_columns(ends=pl.col("minutes").cum_sum().over(WEEK))
    )
    open_shifts = _open(shifts, seed)
    room = open_shifts.group_by(WEEK).agg(room=pl.col("minutes").sum())
    laid = laid.join(room, on=WEEK, how="left", maintain_order="left").with_columns(pl.col("room").fill_null(0.0))
    left = ((pl.col("room") - pl.col("ends") + pl.col("minutes")) / pl.col("minutes")).clip(0, 1)
    share = pl.when("is_refused").then(0.0).when(pl.col("ends") <= pl.col("room") + 1e-6).then(1.0).otherwise(left)
    laid = laid.with_columns(share=share, mark=pl.min_horizontal("ends", "room") - 1e-6).with_columns(
        confirmed_units=pl.when(pl.col("share") == 1)
        .then("units")
        .otherwise((pl.col("units") * pl.col("share")).floor())
    )
    ended = laid.sort("mark").join_asof(
        open_shifts.sort("upto"), left_on="mark", right_on="upto", by=WEEK, strategy="forward", check_sortedness=False
    )
    into = pl.col("mark") - pl.col("upto") + pl.col("minutes_right")
    none = pl.col("confirmed_units") <= 0
    verdict = pl.when(none).then(pl.lit("rejected")).when(pl.col("share") < 1).then(pl.lit("changed"))
    reason = pl.when("is_refused").then(pl.lit(REFUSAL)).when(none).then(pl.lit(NO_ROOM))
    return ended.sort("line_id", "start_at", "order_id").select(
        "order_id",
        "version",
        "confirmed_units",
        verdict=verdict.otherwise(pl.lit("confirmed")),
        confirmed_end_at=pl.when(~none).then(
            pl.col("starts_at") + pl.duration(seconds=(into * 60).round(0).cast(pl.Int64))
        ),
        reason=reason.when(pl.col("share") < 1).then(pl.lit(CUT)),
    )


def _open(shifts: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Shifts with minutes: line_id, week_on, starts_at (UTC), minutes, and `upto`, the week's minutes to their end.

    A few of the calendar's shifts are needed for repairs, which the scheduler alone knows of.
    """
    last = shifts.unique(["line", "starts_at"], keep="last", maintain_order=True)
    lines = last["line"].str.extract(r"(\d+)$").cast(pl.Int64)
    repair = draws.column(seed, "repair", lines, last["starts_at"].dt.epoch("s"))
    return (
        last.filter((pl.col("available_minutes") > 0) & (repair >= REPAIR_SHARE))
        .select(
            line_id="line",
            week_on=pl.col("starts_at").dt.date().dt.truncate("1w"),
            starts_at=days.to_utc(pl.col("starts_at")),
            minutes="available_minutes",
        )
        .sort("line_id", "starts_at")
        .with_columns(upto=pl.col("minutes").cum_sum().over(WEEK))
    )


def _refused(orders: pl.DataFrame, seed: int) -> pl.Series:
    """Which of the new orders are refused; the same ones whenever they are sent again."""
    ids = [int.from_bytes(hashlib.blake2b(name.encode(), digest_size=7).digest()) for name in orders["order_id"]]
    chance = draws.column(seed, "refused order", pl.Series("order_id", ids, dtype=pl.Int64))
    return (chance < REFUSED_SHARE) & (orders["state"] == "draft")
