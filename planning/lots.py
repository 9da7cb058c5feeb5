"""Lot sizing of many items at once at given prices of line time: the cheapest set-up weeks, then lots by the rules.

An item's plan is a chain of set-ups. Between two set-ups its cost depends only on the level the first one brings it to,
is convex in it, and bends where stock meets zero or its safety target; so the best level is one of the bends, and the
best chain is a shortest path over weeks. This is Wagner & Whitin (1958) with backorders (Zangwill 1969) and a convex
shortfall cost. With lot rules and line choice left out it never exceeds the true cost, which makes it a bound.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from planning.policy import EPSILON

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
LONGEST_GAP = 13  # weeks between two set-ups considered once the horizon is longer than LONG_HORIZON
LONG_HORIZON = 16


@dataclass(frozen=True)
class Items:
    """Items × weeks: what must be made, what stands already, and what being early or late costs.

    `net` (n, T) net requirement per week; `base` (n, T) closing stock when each net requirement is met at once;
    `safety` (n, T); costs (n) per unit and week; `worth` (n) lost with a unit that spoils; `keep_weeks` (n) a unit
    serves its own week and that many more; `first_week` (n) the first week that may produce. Routings (n, R): line
    (-1 none), minutes per unit, set-up.
    """

    net: Floats
    base: Floats
    safety: Floats
    holding: Floats
    backorder: Floats
    shortfall: Floats
    worth: Floats
    keep_weeks: Ints
    first_week: Ints
    least: Floats
    multiple: Floats
    most: Floats
    line: Ints
    unit_minutes: Floats
    setup_minutes: Floats
    setup_cost: Floats


@dataclass(frozen=True)
class Schedules:
    """One schedule per item: units, set-ups, routing choice, stock (below 0 = owed), waste (n, T), cost (n)."""

    units: Floats
    setups: Ints
    route: Ints
    stock: Floats
    wasted: Floats
    cost: Floats

    def where(self, mine: npt.NDArray[np.bool_], others: Schedules) -> Schedules:
        """These schedules for the items in `mine` (n), the others' for the rest."""
        row = mine[:, None]
        return Schedules(
            np.where(row, self.units, others.units),
            np.where(row, self.setups, others.setups),
            np.where(row, self.route, others.route),
            np.where(row, self.stock, others.stock),
            np.where(row, self.wasted, others.wasted),
            np.where(mine, self.cost, others.cost),
        )


def weekly_cost(items: Items, stock: Floats, week: int) -> Floats:
    """Holding + backorder + safety shortfall of a week ending at `stock` (n, ...); owed in the last week weighs more.

    A unit still owed when the horizon ends is charged one more horizon of backorder, else slow sellers would never
    be worth their set-up within a short horizon.
    """
    weeks = items.net.shape[1]
    extra = (slice(None),) + (None,) * (stock.ndim - 1)
    owed_weight = 1.0 + weeks if week == weeks - 1 else 1.0
    safety = items.safety[:, week][extra]
    cost = items.holding[extra] * np.maximum(stock, 0.0)
    cost += items.backorder[extra] * owed_weight * np.maximum(-stock, 0.0)
    cost += items.shortfall[extra] * np.clip(safety - stock, 0.0, safety)
    return np.asarray(cost, dtype=np.float64)


class Pricing:
    """The shortest-path tables of a set of items, computed once and priced many times."""

    def __init__(self, items: Items) -> None:
        self.items = items
        count, weeks = items.net.shape
        self.longest = weeks if weeks <= LONG_HORIZON else LONGEST_GAP
        self.total = np.cumsum(items.net, axis=1)  # net requirement up to and with week t
        self.before = np.concatenate([np.zeros((count, 1)), self.total[:, :-1]], axis=1)
        span = self.longest
        self.levels = np.zeros((count, weeks, 2 * span))
        self.arcs = np.full((count, weeks, span, 2 * span), np.inf)
        rows = np.arange(count)
        for week in range(weeks):
            last = np.minimum(week + items.keep_weeks, weeks - 1)
            most = self.total[rows, last] - self.before[:, week]
            ends = np.minimum(week + np.arange(span), weeks - 1)
            run = self.total[:, ends] - self.before[:, [week]]
            bends = np.concatenate(
                [run + items.safety[:, ends] - items.base[:, ends], run - items.base[:, ends]], axis=1
            )
            level = np.minimum(bends, most[:, None])
            self.levels[:, week, :] = level
            cost = np.zeros_like(level)
            for step in range(min(span, weeks - week)):
                stock = items.base[:, [week + step]] + level - run[:, [step]]
                cost = cost + weekly_cost(items, stock, week + step)
                self.arcs[:, week, step, :] = cost
        # what it costs to make nothing before week t (t = T: never)
        idle = [weekly_cost(items, items.base[:, week] - self.total[:, week], week) for week in range(weeks)]
        self.idle = np.concatenate([np.zeros((count, 1)), np.cumsum(np.stack(idle, axis=1), axis=1)], axis=1)

    def cheapest(self, unit_price: Floats, setup_price: Floats) -> tuple[Floats, npt.NDArray[np.bool_], Floats]:
        """Least cost (n), set-up weeks (n, T) and the level each brings the item to, at prices per unit and per set-up.

        Both prices are (n, T); an infinite set-up price closes a week.
        """
        count, weeks = self.items.net.shape
        rows = np.arange(count)
        after = np.concatenate([unit_price, np.zeros((count, 1))], axis=1)
        value = np.concatenate([np.full((count, weeks), np.inf), np.zeros((count, 1))], axis=1)
        follow = np.zeros((count, weeks), dtype=np.int64)
        chosen = np.zeros((count, weeks))
        for week in reversed(range(weeks)):
            level = self.levels[:, week, :]
            reach = min(self.longest, weeks - week)
            for step in range(reach):
                upto = week + step + 1
                made = self.total[:, upto - 1] - self.before[:, week]
                cost = self.arcs[:, week, step, :] + (after[:, week] - after[:, upto])[:, None] * level
                best = np.argmin(cost, axis=1)
                total = cost[rows, best] + after[:, upto] * made + value[:, upto]
                better = total < value[:, week] - 1e-12
                value[better, week] = total[better]
                follow[better, week] = upto
                chosen[better, week] = level[rows[better], best[better]]
            value[:, week] += setup_price[:, week]
        starts = np.stack(
            [
                *(self.idle[:, week] + after[:, week] * self.before[:, week] + value[:, week] for week in range(weeks)),
                self.idle[:, weeks],
            ],
            axis=1,
        )
        first = np.argmin(starts, axis=1)
        is_setup = np.zeros((count, weeks), dtype=np.bool_)
        at = first.astype(np.int64)
        for week in range(weeks):
            here = at == week
            is_setup[here, week] = True
            at = np.where(here, follow[:, week], at)
        return starts[rows, first], is_setup, chosen


def build(items: Items, is_setup: npt.NDArray[np.bool_], level: Floats, route: Ints) -> Schedules:
    """Schedules that aim at `level` in each set-up week, with lots by the rules; a needless set-up is skipped."""
    count, weeks = items.net.shape
    units, ahead = np.zeros((count, weeks)), np.zeros(count)
    for week in range(weeks):
        units[:, week] = _sized(items, np.where(is_setup[:, week], level[:, week] - ahead, 0.0))
        ahead, _ = _close(items, units, ahead, week)
    return roll(items, units, route)


def roll(items: Items, units: Floats, route: Ints) -> Schedules:
    """What `units` (n, T) made along `route` come to: stock, waste by shelf life, set-ups, true cost."""
    count, weeks = items.net.shape
    stock, wasted = np.zeros((count, weeks)), np.zeros((count, weeks))
    with np.errstate(divide="ignore", invalid="ignore"):
        several = np.where(items.most[:, None] > 0, np.ceil(units / items.most[:, None] - EPSILON), 1.0)
    setups = np.where(units > 0, np.maximum(several, 1.0), 0.0).astype(np.int64)
    cost = (setups * np.take_along_axis(items.setup_cost, route, axis=1)).sum(axis=1)
    ahead = np.zeros(count)
    for week in range(weeks):
        ahead, wasted[:, week] = _close(items, units, ahead, week)
        stock[:, week] = items.base[:, week] + ahead
        cost = cost + weekly_cost(items, stock[:, week], week) + items.worth * wasted[:, week]
    return Schedules(units, setups, route, stock, wasted, cost)


def _close(items: Items, units: Floats, ahead: Floats, week: int) -> tuple[Floats, Floats]:
    """End a week: units ahead of need after it, and units too old to serve the next (first in, first out)."""
    ahead = ahead + units[:, week] - items.net[:, week]
    ages = np.arange(units.shape[1])
    fresh = (ages[None, :] > week - items.keep_weeks[:, None]) & (ages[None, :] <= week)
    old = np.maximum(0.0, ahead - (units * fresh).sum(axis=1))
    return ahead - old, old


def _sized(items: Items, need: Floats) -> Floats:
    wanted = np.where(need > EPSILON, np.maximum(need, items.least), 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        whole = np.ceil(wanted / items.multiple - EPSILON) * items.multiple
    thousandths = np.ceil(wanted * 1000 - EPSILON) / 1000  # units have three decimals everywhere
    return np.asarray(np.where((items.multiple > 0) & (wanted > 0), whole, thousandths), dtype=np.float64)
