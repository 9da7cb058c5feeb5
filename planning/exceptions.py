"""What a planner must know that the numbers alone do not say: kind, object, old and new, amount, in plain words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from planning.lines import Calendar, FirmRun, Stage
from planning.network import Network
from planning.policy import EPSILON

WORTH_SAYING = 1.0  # base units; less than one is the spread of a forecast, nothing a planner can act on


@dataclass(frozen=True)
class Note:
    """One exception; it touches the final demands behind `supply_ids`, and those in `demand_ids`."""

    kind: str
    object_id: str
    old: str
    new: str
    amount: float
    message: str
    supply_ids: list[str] = field(default_factory=list)
    demand_ids: list[str] = field(default_factory=list)


def table_notes(
    tables: dict[str, pl.DataFrame], network: Network, calendar: Calendar, firm: list[FirmRun]
) -> list[Note]:
    """What the tables leave open: a table, routing, bill, policy or calendar not given, firm orders that do not fit."""
    notes = [
        Note("no_table", name, "", "empty", 0.0, f"Table {name} is empty: {without}.")
        for name, without in _WITHOUT.items()
        if tables[name].is_empty()
    ]
    places = sorted(network.demands)
    made = [place for place in places if network.mode(place) == "make"]
    if not tables["routing"].is_empty():
        notes += [
            Note(
                "no_routing",
                place.sku,
                "",
                "",
                _demanded(network, place.sku),
                f"{place.sku} is made but has no routing: no line can plan it.",
            )
            for place in made
            if place.sku not in network.routes
        ]
    if not tables["bom"].is_empty():
        notes += [
            Note(
                "no_bom",
                place.sku,
                "",
                "",
                _demanded(network, place.sku),
                f"{place.sku} is made but has no bill of materials: its components are not planned.",
            )
            for place in made
            if place.sku not in network.bom
        ]
    if not tables["item_policy"].is_empty():
        notes += [
            Note(
                "no_policy",
                str(place),
                "",
                "defaults",
                0.0,
                f"{place} has no row in item_policy: default costs and lot-for-lot are assumed.",
            )
            for place in places
            if not network.has_policy(place)
        ]
    if not tables["calendar"].is_empty():
        notes += [
            Note(
                "no_calendar",
                line_id,
                "",
                "0 minutes",
                0.0,
                f"Line {line_id} has routings but no calendar: it counts as stopped.",
            )
            for line_id in calendar.ids
            if line_id not in calendar.known
        ]
    for run in firm:
        if run.week == run.due_week:
            continue
        due = str(network.mondays[run.due_week])
        new = "not in the horizon" if run.week < 0 else str(network.mondays[run.week])
        words = f"Firm order {run.receipt_id} ({run.units:.3f} of {run.sku}) does not fit the week of {due}: {new}."
        notes.append(
            Note(
                "late" if run.week >= 0 else "overloaded",
                run.receipt_id,
                due,
                new,
                run.units,
                words,
                [f"receipt:{run.receipt_id}"],
            )
        )
    return notes


def plan_notes(stages: Sequence[Stage], network: Network, horizon_weeks: int) -> list[Note]:
    """Short items, lots that will spoil, and lines that cannot do what demand asks, in the weeks that are shown."""
    notes = []
    weeks = range(horizon_weeks)
    demands: dict[str, list[Any]] = defaultdict(list)
    for place, found in network.demands.items():
        demands[place.sku].extend(found)
    for stage in stages:
        schedules, calendar = stage.plan.schedules, stage.calendar
        for row, sku in enumerate(stage.skus):
            owed = np.maximum(0.0, -schedules.stock[row, :horizon_weeks])
            late = [week for week in weeks if owed[week] > EPSILON]
            if owed.max() >= WORTH_SAYING - EPSILON:
                first, last = network.mondays[late[0]], float(owed[-1])
                names = [demand.demand_id for demand in demands[sku] if demand.week in late]
                words = (
                    f"{sku}: up to {owed.max():.3f} units late from the week of {first}; "
                    f"{last:.3f} still owed at the end."
                )
                notes.append(Note("short", sku, "0", f"{owed.max():.3f}", float(owed.max()), words, [], names))
            wasted = float(schedules.wasted[row, :horizon_weeks].sum())
            if wasted >= WORTH_SAYING - EPSILON:
                words = (
                    f"{sku}: {wasted:.3f} planned units will spoil, because the smallest lot outlasts its shelf life."
                )
                notes.append(Note("expired", sku, "", "expired", wasted, words))
        for line, line_id in enumerate(calendar.ids):
            for week in weeks:
                room = float(calendar.regular[line, week] + calendar.overtime[line, week])
                wanted = float(stage.plan.wanted[line, week])
                if wanted > room + 1e-6:
                    monday = network.mondays[week]
                    words = (
                        f"Line {line_id}, week of {monday}: {wanted:.0f} minutes wanted, {room:.0f} there; "
                        "the plan moves or delays the rest."
                    )
                    supply = [f"make:{sku}:{line_id}:{monday}" for sku in stage.skus]
                    notes.append(
                        Note(
                            "overloaded",
                            f"{line_id}:{monday}",
                            f"{room:.0f}",
                            f"{wanted:.0f}",
                            wanted - room,
                            words,
                            supply,
                        )
                    )
    return notes


def unlinked_notes(network: Network) -> list[Note]:
    """Stock that no demand can reach, by location."""
    return [
        Note(
            "unlinked_stock",
            location,
            "",
            "not used",
            units,
            f"{units:.3f} units at {location} are not used: sources links it to no location with demand.",
        )
        for location, units in network.unlinked_stock().items()
    ]


def _demanded(network: Network, sku: str) -> float:
    return sum(demand.units for place, found in network.demands.items() if place.sku == sku for demand in found)


_WITHOUT = {
    "stock": "planning starts from zero stock",
    "item_policy": "default costs, no lead time, no shelf life and lot-for-lot are assumed",
    "bom": "no component is planned",
    "routing": "no line can be planned",
    "calendar": "every line counts as stopped",
}
