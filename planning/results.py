"""Turns what planning found into the Out tables."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from planning.contracts import OUT, UNITS
from planning.exceptions import Note
from planning.lines import Calendar, FirmRun, Stage, family
from planning.network import PRIORITY, Network
from planning.pegging import Peg, roots
from planning.policy import EPSILON
from planning.sequence import Run as LineRun
from planning.sequence import moment, sequence_week
from planning.stability import zone

SHOWN_DEMANDS = 20
COST_PARTS = (
    "holding_cost", "backorder_cost", "setup_cost", "overtime_cost", "safety_short_cost", "owed_at_end_cost",
    "waste_cost",
)  # fmt: skip


def frame(name: str, rows: Sequence[dict[str, Any]], order: list[str]) -> pl.DataFrame:
    """Rows as Out table `name`, sorted; units rounded to three decimals, minutes to six."""
    schema = OUT[name]
    loose = {column: pl.Float64 if dtype == UNITS else dtype for column, dtype in schema.items()}
    return _tight(pl.DataFrame(rows, schema=loose, orient="row"), name).sort(order)


def _tight(found: pl.DataFrame, name: str) -> pl.DataFrame:
    casts = []
    for column, dtype in OUT[name].items():
        if isinstance(dtype, pl.Decimal):
            casts.append((pl.col(column).round(dtype.scale) + 0.0).cast(dtype))
        elif dtype == pl.Float64:
            casts.append(pl.col(column).round(6))
    return found.with_columns(casts)


def pegging_frame(pegs: Sequence[Peg]) -> pl.DataFrame:
    rows = [
        {"supply_id": supply, "demand_id": demand, "units": units, "depth": depth}
        for supply, demand, units, depth in pegs
    ]
    loose = pl.DataFrame(
        rows, schema={"supply_id": pl.String, "demand_id": pl.String, "units": pl.Float64, "depth": pl.Int64}
    )
    return _tight(
        loose.group_by("supply_id", "demand_id").agg(pl.col("units").sum(), pl.col("depth").max()), "pegging"
    ).sort("demand_id", "supply_id")


def exceptions_frame(notes: Sequence[Note], pegs: Sequence[Peg]) -> pl.DataFrame:
    """One row per note; pegged_demand_ids is a JSON list of at most 20 final demands."""
    behind = roots(pegs) if any(note.supply_ids for note in notes) else {}
    rows: list[dict[str, Any]] = []
    seen: dict[str, int] = defaultdict(int)
    for note in notes:
        demands = sorted(
            {*note.demand_ids, *(demand for supply in note.supply_ids for demand in behind.get(supply, []))}
        )
        name = f"{note.kind}:{note.object_id}"
        seen[name] += 1
        rows.append(
            {
                "exception_id": name if seen[name] == 1 else f"{name}:{seen[name]}", "kind": note.kind,
                "object_id": note.object_id, "old": note.old, "new": note.new, "amount": note.amount,
                "pegged_demand_ids": json.dumps(demands[:SHOWN_DEMANDS], ensure_ascii=False), "message": note.message,
            }
        )  # fmt: skip
    return frame("exceptions", rows, ["exception_id"])


def shown_until(outputs: dict[str, pl.DataFrame], upto: date) -> dict[str, pl.DataFrame]:
    """The Out tables without the weeks from `upto` on; what a supply of an earlier week is pegged to stays."""
    parts = pl.col("supply_id").str.split(":")
    is_planned = parts.list.first().is_in(["make", "buy", "transfer"])
    is_later = {
        "requirements": pl.col("week_on") >= upto,
        "production_plan": pl.col("week_on") >= upto,
        "schedule_orders": pl.col("start_at") >= moment(upto, 0.0),
        "pegging": is_planned & (parts.list.last() >= upto.isoformat()),
        "transfers": pl.col("transfer_id").str.split(":").list.last() >= upto.isoformat(),
    }
    return {name: frame.filter(~is_later[name]) if name in is_later else frame for name, frame in outputs.items()}


def plan_frames(
    stages: Sequence[Stage], firm: Sequence[FirmRun], network: Network, calendar: Calendar, pegs: Sequence[Peg]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """production_plan (new lots; owed units on the sku's first line) and schedule_orders (new lots and firm orders)."""
    urgency = _urgency(network, pegs)
    rows: dict[tuple[str, str, int], dict[str, Any]] = {}
    runs: dict[tuple[int, int], list[LineRun]] = defaultdict(list)
    for stage in stages:
        schedules, items = stage.plan.schedules, stage.items
        for row, sku in enumerate(stage.skus):
            policy = network.policy(stage.places[row])
            first_line = calendar.ids[items.line[row, 0]] if items.line[row, 0] >= 0 else "-"
            for week, monday in enumerate(network.mondays):
                units, stock = float(schedules.units[row, week]), float(schedules.stock[row, week])
                owed = max(0.0, -stock)
                short = min(float(items.safety[row, week]), max(0.0, float(items.safety[row, week]) - max(0.0, stock)))
                line_id, route = first_line, int(schedules.route[row, week])
                if units > 0:
                    line = int(items.line[row, route])
                    line_id = calendar.ids[line]
                    made, setups = units * float(items.unit_minutes[row, route]), int(schedules.setups[row, week])
                    setup = setups * float(items.setup_minutes[row, route])
                    order_id = f"make:{sku}:{line_id}:{monday}"
                    runs[line, week].append(
                        LineRun(
                            order_id,
                            sku,
                            family(network, sku, line_id),
                            units,
                            made + setup,
                            urgency.get(order_id, PRIORITY),
                        )
                    )
                elif owed <= EPSILON and short <= EPSILON:
                    continue
                else:
                    made, setup, setups = 0.0, 0.0, 0
                rows[sku, line_id, week] = {
                    "sku": sku, "line_id": line_id, "week_on": monday, "units": units, "setups": setups,
                    "run_minutes": made, "setup_minutes": setup, "overtime_minutes": 0.0,
                    "backorder_units": owed, "safety_short_units": short,
                    "zone": zone(monday, network.start_on, policy.frozen_days, policy.slushy_days),
                }  # fmt: skip
    for one in firm:
        if one.week >= 0:
            named = family(network, one.sku, calendar.ids[one.line])
            runs[one.line, one.week].append(
                LineRun(one.receipt_id, one.sku, named, one.units, one.minutes, 0, "released")
            )
    orders = []
    for (line, week), found in sorted(runs.items()):
        line_id, regular = calendar.ids[line], float(calendar.regular[line, week])
        for slot in sequence_week(found, calendar.changeovers.get(line_id, {})):
            target = rows.get((slot.run.sku, line_id, week))
            if target is not None and slot.run.state == "draft":
                target["setup_minutes"] += slot.changeover
                target["overtime_minutes"] = max(0.0, slot.ends - max(regular, slot.starts))
            orders.append(
                {
                    "order_id": slot.run.order_id, "version": 1, "sku": slot.run.sku, "line_id": line_id,
                    "start_at": moment(network.mondays[week], slot.starts),
                    "end_at": moment(network.mondays[week], slot.ends),
                    "units": slot.run.units, "priority": slot.run.priority, "state": slot.run.state,
                }
            )  # fmt: skip
    plan = frame("production_plan", list(rows.values()), ["sku", "line_id", "week_on"])
    return plan, frame("schedule_orders", orders, ["line_id", "start_at", "order_id"])


def utilisation(schedule: pl.DataFrame, calendar: Calendar, horizon_weeks: int, upto: date) -> dict[str, float]:
    """Minutes of scheduled orders ÷ regular minutes given, by line before `upto`; firm orders and changeovers too."""
    minutes = (pl.col("end_at") - pl.col("start_at")).dt.total_microseconds().sum() / 60e6
    shown = schedule.filter(pl.col("start_at") < moment(upto, 0.0))
    used = dict(shown.group_by("line_id").agg(minutes).iter_rows())
    given = calendar.regular[:, :horizon_weeks].sum(axis=1)
    return {
        line_id: round(used.get(line_id, 0.0) / given[line], 6) if given[line] > 0 else 0.0
        for line, line_id in enumerate(calendar.ids)
    }


def overtime_cost(plan: pl.DataFrame, calendar: pl.DataFrame) -> float:
    """Overtime minutes of the plan's rows at the calendar's price."""
    priced = plan.join(calendar.select("line_id", "week_on", "overtime_cost_per_minute"), on=["line_id", "week_on"])
    return float(
        priced.select((pl.col("overtime_minutes") * pl.col("overtime_cost_per_minute").fill_null(0.0)).sum()).item()
    )


def summary(
    stages: Sequence[Stage], used: dict[str, float], overtime: float, moved: float, horizon_weeks: int, seconds: float
) -> pl.DataFrame:
    """The one-row summary: total_cost = the sum of its parts, all of items made here; backorder_units in unit-weeks.

    Costs and their bound are those of all weeks planned; fill rate and backorders those of the weeks that are shown.
    """
    parts = dict.fromkeys(COST_PARTS, 0.0)
    parts["overtime_cost"] = overtime
    bound = owed_units = demanded = newly_owed = 0.0
    for stage in stages:
        schedules, items = stage.plan.schedules, stage.items
        owed, held = np.maximum(0.0, -schedules.stock), np.maximum(0.0, schedules.stock)
        short = np.clip(items.safety - schedules.stock, 0.0, items.safety)
        parts["holding_cost"] += float((items.holding[:, None] * held).sum())
        parts["backorder_cost"] += float((items.backorder[:, None] * owed).sum())
        parts["owed_at_end_cost"] += float((items.backorder * owed[:, -1]).sum()) * owed.shape[1]
        parts["safety_short_cost"] += float((items.shortfall[:, None] * short).sum())
        parts["setup_cost"] += float(
            (schedules.setups * np.take_along_axis(items.setup_cost, schedules.route, axis=1)).sum()
        )
        bound += stage.plan.bound
        parts["waste_cost"] += float((items.worth[:, None] * schedules.wasted).sum())
        owed = owed[:, :horizon_weeks]
        owed_units += float(owed.sum())
        newly_owed += float(np.maximum(0.0, np.diff(owed, axis=1, prepend=0.0)).sum())
        demanded += float(stage.demanded[:horizon_weeks].sum())
    total = sum(parts.values())
    bound = min(bound, total)
    row = {
        "total_cost": total, **parts, "bound": bound, "gap_rate": (total - bound) / total if total > 0 else 0.0,
        "fill_rate": max(0.0, 1 - newly_owed / demanded) if demanded > 0 else 1.0, "backorder_units": owed_units,
        "utilisation_rate": json.dumps(used, sort_keys=True), "nervousness": moved, "seconds": seconds,
    }  # fmt: skip
    return _tight(pl.DataFrame([row]), "summary").select(list(OUT["summary"]))


def _urgency(network: Network, pegs: Sequence[Peg]) -> dict[str, int]:
    """The most urgent priority among the final demands behind each supply."""
    priority = {demand.demand_id: demand.priority for found in network.demands.values() for demand in found}
    return {
        supply: min((priority.get(demand, PRIORITY) for demand in demands), default=PRIORITY)
        for supply, demands in roots(pegs).items()
    }
