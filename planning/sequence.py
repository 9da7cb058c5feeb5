"""The order of runs within a week: families in the order with the fewest changeover minutes, then start and end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise, permutations

Changeovers = Mapping[tuple[str, str], float]
EXACT_FAMILIES = 6
WALKS = 12  # nearest-neighbour walks tried, so that hundreds of families stay quick


@dataclass(frozen=True)
class Run:
    """One sku on one line in one week; `minutes` include its own set-up."""

    order_id: str
    sku: str
    family: str
    units: float
    minutes: float
    priority: int
    state: str = "draft"


@dataclass(frozen=True)
class Slot:
    """A run with its place in the week: minutes from the week's first working minute, changeover before it included."""

    run: Run
    starts: float
    ends: float
    changeover: float


def changeover_minutes(path: Iterable[str], minutes: Changeovers) -> float:
    """Minutes lost along families run in this order; a pair not listed loses none."""
    return sum(minutes.get((before, after), 0.0) for before, after in pairwise(path) if before != after)


def best_path(families: Sequence[str], minutes: Changeovers) -> list[str]:
    """Families in the order with the fewest changeover minutes: exact up to six, else the best nearest-neighbour."""
    listed = {name for pair in minutes for name in pair}
    names = sorted(set(families) & listed)
    free = sorted(set(families) - listed)  # families nobody names lose no minutes wherever they stand
    if len(names) <= EXACT_FAMILIES:
        return [*min(permutations(names), key=lambda path: (changeover_minutes(path, minutes), path)), *free]
    walks = []
    for first in names[:WALKS]:
        walk, left = [first], [name for name in names if name != first]
        while left:
            nearest = min(left, key=lambda name: (minutes.get((walk[-1], name), 0.0), name))
            walk.append(nearest)
            left.remove(nearest)
        walks.append(walk)
    return [*min(walks, key=lambda path: (changeover_minutes(path, minutes), path)), *free]


def sequence_week(runs: Sequence[Run], minutes: Changeovers) -> list[Slot]:
    """Runs of one line and week one after another by family; within a family the most urgent first. Minutes from 0."""
    place = {name: number for number, name in enumerate(best_path([run.family for run in runs], minutes))}
    ordered = sorted(runs, key=lambda run: (place[run.family], run.priority, run.sku, run.order_id))
    slots, clock, last = [], 0.0, ""
    for run in ordered:
        lost = minutes.get((last, run.family), 0.0) if last and last != run.family else 0.0
        slots.append(Slot(run, clock, clock + lost + run.minutes, lost))
        clock += lost + run.minutes
        last = run.family
    return slots


def moment(monday: date, minutes: float) -> datetime:
    """The UTC time `minutes` of work into a week; working time is laid end to end from Monday 00:00."""
    return datetime.combine(monday, time(), tzinfo=UTC) + timedelta(minutes=round(minutes, 4))
