"""The production lines: minutes by week, what firm orders take of them, changeovers, and what must fit in."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from planning.capacity import Lines, Plan, plan_lines
from planning.lots import Floats, Ints, Items
from planning.network import Network, Place
from planning.requirements import Netting
from planning.sequence import Changeovers, best_path, changeover_minutes

NONE: frozenset[str] = frozenset()
ASLEEP = 0.5  # whole units asked for in all weeks together, below which an item sleeps


@dataclass(frozen=True)
class FirmRun:
    """A firm production order on the line and week it fits in (week -1: nowhere); `minutes` without changeovers."""

    receipt_id: str
    sku: str
    line: int
    week: int
    due_week: int
    units: float
    minutes: float


@dataclass
class Calendar:
    """Lines × weeks of the horizon: minutes still free, the changeovers between families, and what runs already.

    `families` run already in a line's week, which has lost `lost` minutes to changeovers between them.
    """

    ids: list[str]
    regular: Floats
    overtime: Floats
    overtime_cost: Floats
    changeovers: dict[str, Changeovers]
    known: set[str]
    families: dict[tuple[int, int], frozenset[str]] = field(default_factory=dict)
    lost: dict[tuple[int, int], float] = field(default_factory=dict)
    shortest: dict[tuple[int, frozenset[str]], float] = field(default_factory=dict, repr=False)

    def copy(self) -> Calendar:
        return replace(
            self,
            regular=self.regular.copy(),
            overtime=self.overtime.copy(),
            families=dict(self.families),
            lost=dict(self.lost),
        )

    def added_changeovers(self, line: int, week: int, families: frozenset[str]) -> float:
        """Minutes of changeovers that these families bring to the week beyond those it has lost already."""
        both = self.families.get((line, week), NONE) | families
        if (line, both) not in self.shortest:
            minutes = self.changeovers[self.ids[line]]
            self.shortest[line, both] = changeover_minutes(best_path(sorted(both), minutes), minutes)
        return max(0.0, self.shortest[line, both] - self.lost.get((line, week), 0.0))

    def first_week(self, line: int, due: int, minutes: float, families: frozenset[str]) -> int:
        """The first week from `due` on with room for a run and the changeovers it brings; -1 where there is none."""
        room = self.regular[line] + self.overtime[line]
        weeks = (week for week in range(due, room.size) if room[week] >= minutes - 1e-9)
        fits = (week for week in weeks if room[week] >= minutes + self.added_changeovers(line, week, families) - 1e-9)
        return next(fits, -1)

    def take(self, line: int, week: int, minutes: float, families: frozenset[str]) -> None:
        """Use up the minutes of runs of these families and of the changeovers they bring, regular ones first."""
        changeovers = self.added_changeovers(line, week, families)
        self.families[line, week] = self.families.get((line, week), NONE) | families
        self.lost[line, week] = self.lost.get((line, week), 0.0) + changeovers
        regular = min(minutes + changeovers, self.regular[line, week])
        self.regular[line, week] -= regular
        self.overtime[line, week] = max(0.0, self.overtime[line, week] - (minutes + changeovers - regular))


@dataclass
class Stage:
    """One level of the bill as planned on the lines: skus, where each is made, needs, plan, the calendar it met.

    `demanded` are the units asked for by week.
    """

    skus: list[str]
    places: list[Place]
    items: Items
    plan: Plan
    calendar: Calendar
    demanded: Floats


def read_calendar(tables: dict[str, pl.DataFrame], network: Network) -> Calendar:
    """The calendar over the horizon; a line or week not listed has no minutes."""
    ids = sorted({*tables["routing"]["line_id"], *tables["calendar"]["line_id"]})
    shape = (len(ids), len(network.mondays))
    at = {line_id: number for number, line_id in enumerate(ids)}
    regular, overtime, cost = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for row in tables["calendar"].iter_rows(named=True):
        week = network.week_of(row["week_on"])
        if 0 <= week < shape[1]:
            line = at[row["line_id"]]
            regular[line, week] += row["available_minutes"]
            overtime[line, week] += row["overtime_minutes"] or 0.0
            cost[line, week] = row["overtime_cost_per_minute"] or 0.0
    changeovers: dict[str, dict[tuple[str, str], float]] = {line_id: {} for line_id in ids}
    for row in tables["changeover"].iter_rows(named=True):
        changeovers.setdefault(row["line_id"], {})[row["from_family"], row["to_family"]] = row["minutes"]
    return Calendar(ids, regular, overtime, cost, dict(changeovers), set(tables["calendar"]["line_id"]))


def place_firm_orders(network: Network, calendar: Calendar) -> list[FirmRun]:
    """Firm production orders on their lines, due date first; one that does not fit waits for the first week with room.

    Takes their minutes and changeovers off `calendar`. An order whose sku has no routing, or its lines no calendar, is
    not checked.
    """
    runs = []
    for row in network.firm_orders():
        due = max(0, network.week_of(row["due_on"]))
        options = [route for route in network.routes.get(row["sku"], []) if route["line_id"] in calendar.known]
        if not options or due >= len(network.mondays):
            continue
        choices, scrap_rate = [], network.policy(Place(row["sku"], row["location_id"])).scrap_rate
        for rank, route in enumerate(options):
            line = calendar.ids.index(route["line_id"])
            minutes = run_minutes(route, scrap_rate) * row["units"] + (route["setup_minutes"] or 0.0)
            families = frozenset({family(network, row["sku"], route["line_id"])})
            week = calendar.first_week(line, due, minutes, families)
            if week >= 0:
                choices.append((week, rank, line, minutes, families))
        week, _, line, minutes, families = min(choices, default=(-1, 0, 0, 0.0, NONE))
        if week >= 0:
            calendar.take(line, week, minutes, families)
        runs.append(FirmRun(row["receipt_id"], row["sku"], line, week, due, row["units"], minutes))
    return runs


def run_minutes(route: dict[str, Any], scrap_rate: float) -> float:
    """Line minutes per good unit."""
    return 60.0 / float(route["units_per_hour"]) / (1 - scrap_rate)


def family(network: Network, sku: str, line_id: str) -> str:
    for route in network.routes.get(sku, []):
        if route["line_id"] == line_id:
            return str(route["setup_family"] or "-")
    return "-"


def items_of(network: Network, calendar: Calendar, places: dict[str, list[tuple[Place, Netting, int]]]) -> Items:
    """The items of one stage, a row per sku (its making locations together), for `plan_lines`."""
    skus, weeks = sorted(places), len(network.mondays)
    routes = max([len(network.routes.get(sku, [])) for sku in skus] or [1]) or 1
    count = len(skus)
    net, base, safety = np.zeros((count, weeks)), np.zeros((count, weeks)), np.zeros((count, weeks))
    figures: dict[str, Floats] = {
        name: np.zeros(count) for name in ("holding", "backorder", "shortfall", "worth", "least", "multiple", "most")
    }
    keep, first = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    line: Ints = np.full((count, routes), -1, dtype=np.int64)
    unit, setup, cost = np.zeros((count, routes)), np.zeros((count, routes)), np.zeros((count, routes))
    for row, sku in enumerate(skus):
        policy = network.policy(places[sku][0][0])
        for _, netting, weeks_kept in places[sku]:
            net[row] += netting.net
            base[row] += netting.closing
            safety[row] += netting.safety
            keep[row] = weeks_kept
        least = policy.rule.least
        for option, route in enumerate(network.routes.get(sku, [])):
            line[row, option] = calendar.ids.index(route["line_id"])
            unit[row, option] = run_minutes(route, policy.scrap_rate)
            setup[row, option], cost[row, option] = route["setup_minutes"] or 0.0, route["setup_cost"] or 0.0
            least = max(least, route["min_run_units"] or 0.0)
        figures["holding"][row], figures["backorder"][row], figures["shortfall"][row] = (
            policy.holding,
            policy.backorder,
            policy.shortfall,
        )
        figures["worth"][row] = network.worth(places[sku][0][0])
        figures["least"][row], figures["multiple"][row], figures["most"][row] = least, policy.rule.multiple, policy.most
        starts = [monday for monday in network.mondays if (monday - network.start_on).days < policy.frozen_days]
        ready = [monday for monday in network.mondays if (monday - network.start_on).days + 6 < policy.lead_time_days]
        first[row] = max(len(starts), len(ready))
        if policy.rule.multiple > 0 and net[row].sum() < ASLEEP:
            first[row] = weeks  # rounded to whole units, nothing is asked for
    return Items(
        net,
        base,
        safety,
        **figures,
        keep_weeks=keep,
        first_week=first,
        line=line,
        unit_minutes=unit,
        setup_minutes=setup,
        setup_cost=cost,
    )


def families_run(
    network: Network, calendar: Calendar, skus: list[str], items: Items, plan: Plan
) -> dict[tuple[int, int], frozenset[str]]:
    """The families that a plan's lots run, by line and week."""
    at = np.take_along_axis(items.line, plan.schedules.route, axis=1)
    found: dict[tuple[int, int], frozenset[str]] = defaultdict(frozenset)
    for row, week in np.argwhere(plan.schedules.units > 0):
        line = int(at[row, week])
        found[line, int(week)] |= {family(network, skus[row], calendar.ids[line])}
    return dict(found)


def plan_stage(network: Network, calendar: Calendar, skus: list[str], items: Items) -> Plan:
    """The stage's plan with changeovers between families, those that run already included, inside the minutes as well.

    Minutes for the cheapest walk through all families of a line are set aside first; where the chosen families need
    more than that, the most they could need is set aside and the plan is made anew, until every week fits.
    """
    families: list[set[str]] = [set() for _ in calendar.ids]
    for row, sku in enumerate(skus):
        for option in range(items.line.shape[1]):
            if items.line[row, option] >= 0 and items.net[row].sum() > 0:
                line = int(items.line[row, option])
                families[line].add(family(network, sku, calendar.ids[line]))
    room = calendar.regular + calendar.overtime
    reserved = np.zeros_like(room)
    for line, week in np.ndindex(room.shape):
        reserved[line, week] = calendar.added_changeovers(line, week, frozenset(families[line]))
    while True:
        lines = Lines(calendar.ids, calendar.regular, calendar.overtime, calendar.overtime_cost, reserved)
        plan, again = plan_lines(items, lines), np.array(reserved)
        for (line, week), run in families_run(network, calendar, skus, items, plan).items():
            if plan.load[line, week] + calendar.added_changeovers(line, week, run) > room[line, week] + 1e-6:
                longest = max(calendar.changeovers[calendar.ids[line]].values(), default=0.0)
                again[line, week] = longest * len(families[line] | calendar.families.get((line, week), NONE))
        if not (again > reserved).any():
            return plan
        reserved = np.maximum(reserved, again)
