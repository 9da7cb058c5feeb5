"""The weekly plan by line: which item is made when, on which line, within the minutes the calendar gives.

Column generation (Manne 1958; Dzielinski & Gomory 1965): a linear programme chooses among whole schedules per item so
that the lines' minutes suffice; its prices of line time make `planning.lots` propose better schedules until none is
left. At most (lines × weeks) items end up split between schedules; rounding and a small integer programme settle those.
Every set of prices gives a lower bound on any plan's cost (Lagrangian relaxation), and the best one is reported.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import highspy
import numpy as np

from planning.lots import Floats, Ints, Items, Pricing, Schedules, build, roll
from planning.polish import polish

ROUNDS = 40
GOOD_ENOUGH = 1e-4  # gap of the linear programme to its bound
SMOOTHING = 0.5  # share of the best prices so far in the next prices: damps their swings
SWAPS = 1500


@dataclass(frozen=True)
class Lines:
    """Lines × weeks: regular and overtime minutes free, cost per overtime minute, minutes kept for changeovers."""

    ids: list[str]
    regular: Floats
    overtime: Floats
    overtime_cost: Floats
    reserved: Floats

    def room(self) -> tuple[Floats, Floats]:
        """Regular and overtime minutes left once changeovers are set aside."""
        regular = np.maximum(0.0, self.regular - self.reserved)
        over = np.maximum(0.0, self.overtime - np.maximum(0.0, self.reserved - self.regular))
        return regular, over


@dataclass
class Plan:
    """The chosen schedules, minutes used (L, T) without changeovers, lower bound of the cost, minutes wanted freely."""

    schedules: Schedules
    load: Floats
    bound: float
    wanted: Floats


@dataclass
class _Pool:
    """Columns seen so far: item, cost, flattened line minutes, and which batch of schedules they came from."""

    item: list[Ints] = field(default_factory=list)
    cost: list[Floats] = field(default_factory=list)
    minutes: list[Floats] = field(default_factory=list)
    units: list[Floats] = field(default_factory=list)
    route: list[Ints] = field(default_factory=list)

    def add(self, rows: Ints, schedules: Schedules, minutes: Floats) -> None:
        self.item.append(rows)
        self.cost.append(schedules.cost[rows])
        self.minutes.append(minutes[rows])
        self.units.append(schedules.units[rows])
        self.route.append(schedules.route[rows])


def line_minutes(items: Items, schedules: Schedules, lines: int) -> Floats:
    """Minutes (n, lines × T) each schedule takes of each line and week, SKU set-ups included."""
    count, weeks = schedules.units.shape
    at = np.take_along_axis(items.line, schedules.route, axis=1)
    used = schedules.units * np.take_along_axis(items.unit_minutes, schedules.route, axis=1)
    used += schedules.setups * np.take_along_axis(items.setup_minutes, schedules.route, axis=1)
    flat = np.zeros((count, lines, weeks))
    rows, columns = np.nonzero(used > 0)
    flat[rows, at[rows, columns], columns] = used[rows, columns]
    return flat.reshape(count, lines * weeks)


def plan_lines(items: Items, lines: Lines) -> Plan:
    """The cheapest plan found within the lines' minutes, and a bound no plan can beat; deterministic, one thread."""
    count, weeks = items.net.shape
    size = len(lines.ids) * weeks
    if not size:
        idle = roll(items, np.zeros((count, weeks)), np.zeros((count, weeks), dtype=np.int64))
        return Plan(idle, np.zeros((0, weeks)), float(idle.cost.sum()), np.zeros((0, weeks)))
    regular, over = (minutes.reshape(size) for minutes in lines.room())
    over_cost = lines.overtime_cost.reshape(size)
    pricing, pool = Pricing(items), _Pool()
    everyone = np.arange(count, dtype=np.int64)
    nothing = roll(items, np.zeros((count, weeks)), np.zeros((count, weeks), dtype=np.int64))
    pool.add(everyone, nothing, np.zeros((count, size)))

    def propose(prices: Floats) -> tuple[Schedules, Floats, float]:
        unit, setup, route, usual = _prices(items, lines, prices.reshape(len(lines.ids), weeks))
        cheap = unit.min(axis=1)
        values = [pricing.cheapest(price, setup.min(axis=1))[0] for price in (cheap, *_steadied(items, cheap))]
        value = np.maximum(0.0, np.max(values, axis=0))  # each is a bound of its own, item by item
        full = lines.regular.reshape(size), lines.overtime.reshape(size)
        bound = float(value.sum() - prices @ full[0] - np.maximum(0.0, prices - over_cost) @ full[1])
        # the bound may mix lines and pay less than the week's price; a schedule may not
        unit = np.take_along_axis(unit, route[:, None, :], 1)[:, 0, :]
        setup = np.take_along_axis(setup, route[:, None, :], 1)[:, 0, :]
        best, minutes, worth = nothing, np.zeros((count, size)), nothing.cost
        for price in (unit, *_steadied(items, unit)):
            _, is_setup, level = pricing.cheapest(price, setup + (unit - price) * usual[:, None])
            tried = build(items, is_setup, level, route)
            used = line_minutes(items, tried, len(lines.ids))
            reduced = tried.cost + used @ prices
            better = reduced < worth - 1e-12
            best, worth = tried.where(better, best), np.where(better, reduced, worth)
            minutes = np.where(better[:, None], used, minutes)
        return best, minutes, bound

    free, minutes, bound = propose(np.zeros(size))
    wanted = minutes.sum(axis=0).reshape(len(lines.ids), weeks)
    master = _Master(count, regular, over, over_cost)
    master.add(everyone, nothing.cost, np.zeros((count, size)))
    master.add(everyone, free.cost, minutes)
    pool.add(everyone, free, minutes)
    best_prices = np.zeros(size)
    for _ in range(ROUNDS):
        value, item_value, prices = master.solve()
        if value - bound <= GOOD_ENOUGH * max(1.0, abs(value)):
            break
        tried = SMOOTHING * best_prices + (1 - SMOOTHING) * prices
        schedules, minutes, new_bound = propose(tried)
        if new_bound > bound:
            bound, best_prices = new_bound, tried
        gain = item_value - schedules.cost - minutes @ prices
        rows = np.flatnonzero(gain > 1e-7 * (1.0 + np.abs(item_value))).astype(np.int64)
        if not rows.size:
            schedules, minutes, new_bound = propose(prices)
            if new_bound > bound:
                bound, best_prices = new_bound, prices
            gain = item_value - schedules.cost - minutes @ prices
            rows = np.flatnonzero(gain > 1e-7 * (1.0 + np.abs(item_value))).astype(np.int64)
            if not rows.size:
                break
        master.add(rows, schedules.cost[rows], minutes[rows])
        pool.add(rows, schedules, minutes)
    value, _, _ = master.solve()
    shares = master.shares()
    picked = _round(pool, shares, count, regular, over, over_cost)
    units, route = np.concatenate(pool.units)[picked], np.concatenate(pool.route)[picked]
    split = np.bincount(np.concatenate(pool.item), weights=(shares > 1e-6) & (shares < 1 - 1e-6), minlength=count) > 0
    rooms = regular.reshape(-1, weeks), over.reshape(-1, weeks)
    units, route, exact = polish(items, units, route, split, value, *rooms, lines.overtime_cost)
    if exact is not None and not lines.reserved.any():
        bound = max(bound, exact)
    final = roll(items, units, route)
    load = line_minutes(items, final, len(lines.ids)).sum(axis=0).reshape(len(lines.ids), weeks)
    return Plan(final, load, max(bound, 0.0), wanted)


def open_routes(items: Items, lines: Lines) -> Floats:
    """(n, R, T): 1 where a routing may run: it exists, the item may start, and the line has time for a set-up."""
    weeks = items.net.shape[1]
    room = sum(lines.room())
    at = np.maximum(items.line, 0)
    has_time = np.asarray(room)[at] > np.maximum(items.setup_minutes, 0.0)[:, :, None]
    may_start = np.arange(weeks)[None, :] >= items.first_week[:, None]
    return np.asarray((items.line >= 0)[:, :, None] & has_time & may_start[:, None, :], dtype=np.float64)


def _prices(items: Items, lines: Lines, prices: Floats) -> tuple[Floats, Floats, Ints, Floats]:
    """Price per unit and per set-up (n, R, T) at prices per line minute, the cheaper routing (n, T), usual lot (n)."""
    at = prices[np.maximum(items.line, 0)]
    unit = at * items.unit_minutes[:, :, None]
    setup = items.setup_cost[:, :, None] + at * items.setup_minutes[:, :, None]
    setup = np.where(open_routes(items, lines) > 0, setup, np.inf)
    needy = np.maximum(1, (items.net > 0).sum(axis=1))
    usual = np.maximum(items.least, items.net.sum(axis=1) / needy)
    return unit, setup, np.argmin(setup + unit * usual[:, None, None], axis=1), usual


def _steadied(items: Items, unit: Floats) -> list[Floats]:
    """Unit prices (n, T) lowered to what another week plus holding (first), or holding and lateness (second), costs.

    The chain of set-ups does not forbid a lot below zero, so it could buy in a cheap week and sell back in a dear one;
    steady prices leave nothing to gain from that. Never above the true price, so a bound stays a bound.
    """
    weeks = unit.shape[1]
    early, both = np.array(unit), np.array(unit)
    for week in range(weeks):
        for other in range(weeks):
            if other < week:
                allowed = items.keep_weeks >= week - other
                carried = np.where(allowed, unit[:, other] + items.holding * (week - other), np.inf)
                early[:, week] = np.minimum(early[:, week], carried)
                both[:, week] = np.minimum(both[:, week], carried)
            else:
                both[:, week] = np.minimum(both[:, week], unit[:, other] + items.backorder * (other - week))
    return [early, both]


class _Master:
    """The linear programme over schedules: one unit of schedules per item, minutes within regular plus overtime."""

    def __init__(self, count: int, regular: Floats, over: Floats, over_cost: Floats) -> None:
        self.count, self.size = count, regular.size
        self.solver = highspy.Highs()  # type: ignore[no-untyped-call]
        for option, value in (("output_flag", False), ("threads", 1), ("random_seed", 1), ("solver", "simplex")):
            self.solver.setOptionValue(option, value)
        none = np.array([], dtype=np.int32)
        ones = np.ones(count)
        self.solver.addRows(count, ones, ones, 0, none, none, np.array([]))
        self.solver.addRows(regular.size, np.full(regular.size, -np.inf), regular, 0, none, none, np.array([]))
        for row in range(regular.size):
            self.solver.addCol(
                over_cost[row], 0.0, over[row], 1, np.array([count + row], dtype=np.int32), np.array([-1.0])
            )

    def add(self, items: Ints, cost: Floats, minutes: Floats) -> None:
        rows, at = np.nonzero(minutes)
        counts = np.bincount(rows, minlength=items.size) + 1
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        index, value = np.zeros(counts.sum(), dtype=np.int32), np.ones(counts.sum())
        index[starts] = items
        inside = np.ones(counts.sum(), dtype=np.bool_)
        inside[starts] = False
        index[inside], value[inside] = self.count + at, minutes[rows, at]
        upper = np.full(items.size, np.inf)
        self.solver.addCols(
            items.size, cost, np.zeros(items.size), upper, index.size, starts.astype(np.int32), index, value
        )

    def solve(self) -> tuple[float, Floats, Floats]:
        """Cost, what one more schedule of each item may cost (n), and the price of a minute (lines × weeks)."""
        self.solver.run()
        if self.solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            raise RuntimeError(f"plan: the linear programme ended {self.solver.getModelStatus()}")
        duals = np.array(self.solver.getSolution().row_dual)
        return float(self.solver.getObjectiveValue()), duals[: self.count], np.maximum(0.0, -duals[self.count :])

    def shares(self) -> Floats:
        """How much of each schedule added so far the last solution takes."""
        return np.array(self.solver.getSolution().col_value)[self.size :]


def _round(pool: _Pool, shares: Floats, count: int, regular: Floats, over: Floats, over_cost: Floats) -> Ints:
    """One column per item (n) within the minutes: the largest share each, then swaps, least cost per minute first.

    It always ends feasible, because every item has the column that makes nothing.
    """
    item, cost, minutes = np.concatenate(pool.item), np.concatenate(pool.cost), np.concatenate(pool.minutes)
    order = np.lexsort((np.arange(item.size), -shares, item))
    picked = order[np.searchsorted(item[order], np.arange(count))].astype(np.int64)
    limit = regular + over

    def overtime_cost(load: Floats) -> Floats:
        return np.asarray(np.clip(load - regular, 0.0, over) @ over_cost)

    load = minutes[picked].sum(axis=0)
    for _ in range(SWAPS):
        now_over = np.maximum(0.0, load - limit).sum()
        after = load[None, :] - minutes[picked][item] + minutes
        excess = np.maximum(0.0, after - limit - 1e-9).sum(axis=1)
        change = cost - cost[picked][item] + overtime_cost(after) - overtime_cost(load)
        if now_over > 1e-6:
            relief = now_over - excess
            score = np.where(relief > 1e-6, (np.maximum(change, 0.0) + 1e-6) / np.maximum(relief, 1e-6), np.inf)
        else:
            score = np.where(excess <= 0.0, change, np.inf)
        best = int(np.argmin(score))
        if now_over <= 1e-6 and score[best] >= -1e-9:
            break
        load = load - minutes[picked[item[best]]] + minutes[best]
        picked[item[best]] = best
    return picked
