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
REFUSED = "recipe not cleared for this line"
NO_SHIFT = "no shift is known that is left for it"
LATE = "ends after its week"
EPSILON = 1e-6  # minutes: an order that ends with its shift ends in it
UNITS = pl.Decimal(18, 3)
COLUMNS: dict[str, pl.DataType] = {
    "bod_id": pl.String(),
    "order_id": pl.String(),
    "version": pl.Int64(),
    "verdict": pl.String(),
    "confirmed_units": UNITS,
    "confirmed_end_at": pl.Datetime("us", "UTC"),
    "reason": pl.String(),
    "answered_at": pl.Datetime("us", "UTC"),
}


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
        told = answered(orders, shifts, known.seed).with_columns(
            bod_id=pl.lit(plan.name), answered_at=pl.lit(clock + TAKES).cast(COLUMNS["answered_at"])
        )
        target.parent.mkdir(parents=True, exist_ok=True)
        unseen = target.with_suffix(".new")
        told.select(pl.col(name).cast(dtype) for name, dtype in COLUMNS.items()).write_parquet(unseen)
        unseen.replace(target)
        taken += 1
    return taken


def answers(root: Path, clock: datetime) -> pl.DataFrame:
    """Every answer given up to `clock`, in the order of plans and orders; columns of COLUMNS."""
    kept = [pl.read_parquet(path) for path in sorted(folder(root).glob("*.parquet"))]
    every = pl.concat([pl.DataFrame(schema=COLUMNS), *kept])
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

    Each line makes its orders in the plan's sequence, none before its week begins, through the shifts it has. One that
    ends after its week is `changed`, one that no known shift is left for `rejected`; a few new ones are refused, and
    take no minutes.
    """
    open_shifts = _open(shifts, seed)
    minutes = (pl.col("end_at") - pl.col("start_at")).dt.total_microseconds() / 60e6
    queue = (
        orders.with_columns(week_on=pl.col("start_at").dt.date().dt.truncate("1w"), is_refused=_refused(orders, seed))
        .with_columns(needs=pl.when("is_refused").then(0.0).otherwise(minutes))
        .sort("week_on")
        .join_asof(_weeks(open_shifts), on="week_on", by="line_id", strategy="forward", check_sortedness=False)
        .sort("line_id", "start_at", "order_id")
        .with_columns(upto=pl.col("needs").cum_sum().over("line_id"))
    )
    # An order begins where the one before it ended, or with its week: the ends of a queue in one pass.
    idle = (pl.col("begins") - pl.col("upto") + pl.col("needs")).cum_max().over("line_id")
    laid = queue.with_columns(mark=pl.col("upto") + idle - EPSILON).sort("mark")
    met = laid.join_asof(
        open_shifts.sort("ends"),
        left_on="mark",
        right_on="ends",
        by="line_id",
        strategy="forward",
        check_sortedness=False,
        suffix="_of_shift",
    ).sort("line_id", "start_at", "order_id")
    into = pl.col("mark") + EPSILON - pl.col("ends") + pl.col("minutes")
    is_rejected = pl.col("is_refused") | pl.col("starts_at").is_null()
    is_late = pl.col("week_on_of_shift") > pl.col("week_on")
    verdict = pl.when(is_rejected).then(pl.lit("rejected")).when(is_late).then(pl.lit("changed"))
    reason = pl.when("is_refused").then(pl.lit(REFUSED)).when(is_rejected).then(pl.lit(NO_SHIFT))
    return met.select(
        "order_id",
        "version",
        verdict=verdict.otherwise(pl.lit("confirmed")),
        confirmed_units=pl.when(is_rejected).then(0.0).otherwise("units"),
        confirmed_end_at=pl.when(~is_rejected).then(
            pl.col("starts_at") + pl.duration(seconds=(into * 60).round(0).cast(pl.Int64))
        ),
        reason=reason.when(is_late).then(pl.lit(LATE)),
    )


def _open(shifts: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Shifts with minutes: line_id, week_on, starts_at (UTC), minutes, and `ends`, the line's minutes up to their end.

    A few of the calendar's shifts are needed for repairs, which the scheduler alone knows of.
    """
    last = shifts.unique(["line", "starts_at"], keep="last", maintain_order=True)
    numbers = last["line"].str.extract(r"(\d+)$").cast(pl.Int64)
    repair = draws.column(seed, "repair", numbers, last["starts_at"].dt.epoch("s"))
    return (
        last.filter((pl.col("available_minutes") > 0) & (repair >= REPAIR_SHARE))
        .select(
            line_id="line",
            week_on=pl.col("starts_at").dt.date().dt.truncate("1w"),
            starts_at=days.to_utc(pl.col("starts_at")),
            minutes="available_minutes",
        )
        .sort("line_id", "starts_at")
        .with_columns(ends=pl.col("minutes").cum_sum().over("line_id"))
    )


def _weeks(open_shifts: pl.DataFrame) -> pl.DataFrame:
    """Where each week begins in its line's minutes: line_id, week_on, begins."""
    begins = (pl.col("ends") - pl.col("minutes")).min()
    return open_shifts.group_by("line_id", "week_on").agg(begins=begins).sort("week_on")


def _refused(orders: pl.DataFrame, seed: int) -> pl.Series:
    """Which of the new orders are refused; the same ones whenever they are sent again."""
    ids = [int.from_bytes(hashlib.blake2b(name.encode(), digest_size=7).digest()) for name in orders["order_id"]]
    chance = draws.column(seed, "refused order", pl.Series("order_id", ids, dtype=pl.Int64))
    return (chance < REFUSED_SHARE) & (orders["state"] == "draft")
