"""The last step of the weekly plan: an integer programme over a few items, the rest of the plan held still."""

from __future__ import annotations

from typing import Any

import highspy
import numpy as np
import numpy.typing as npt

from planning.lots import Floats, Ints, Items, Schedules, roll

CHOICES = 64  # set-up decisions in the integer programme: small enough to solve in a second or two
NODES = 50  # a limit in nodes, not in seconds, so that two runs agree
PROGRAMMES = 3
WASTE_COST = 1e-6  # per unit, where a spoiled unit is worth nothing
WORTH_IT = 0.05  # share of the cost that rounding must have lost before a large plan is polished


def polish(
    items: Items,
    units: Floats,
    route: Ints,
    split: npt.NDArray[np.bool_],
    target: float,
    regular: Floats,
    over: Floats,
    over_cost: Floats,
) -> tuple[Floats, Ints, float | None]:
    """Better units and routes (n, T), and a lower bound when the programme held every item, else None.

    Items the linear programme could not decide (`split`) come first, then those that pay most for being short; a large
    plan already near the linear programme's cost (`target`) is left alone.
    """
    count, weeks = units.shape
    candidates = np.flatnonzero((items.line >= 0).any(axis=1) & (items.net.sum(axis=1) > 0))
    size = max(1, CHOICES // (weeks * items.line.shape[1]))
    covers_all = candidates.size <= size
    bound = None
    done = np.zeros(count, dtype=np.bool_)
    for _ in range(PROGRAMMES):
        cost = _cost(items, units, route, regular, over, over_cost)
        waiting = candidates[~done[candidates]]
        if not waiting.size or not (covers_all or cost - target > WORTH_IT * cost):
            break
        current = roll(items, units, route)
        short = (items.backorder[:, None] * np.maximum(0.0, -current.stock)).sum(axis=1)
        group = np.sort(waiting[np.lexsort((waiting, -short[waiting], ~split[waiting]))][:size])
        done[group] = True
        new_units, new_route, found = _solve(items, units, route, group, regular, over, over_cost)
        if covers_all:
            bound = found + float(current.cost[np.setdiff1d(np.arange(count), group)].sum())
        if _cost(items, new_units, new_route, regular, over, over_cost) < cost - 1e-9:
            units, route = new_units, new_route
    return units, route, bound


def minutes_used(items: Items, units: Floats, route: Ints, lines: int) -> Floats:
    """Minutes (lines, T) of a whole plan, SKU set-ups included."""
    done = roll(items, units, route)
    weeks = units.shape[1]
    used = done.units * np.take_along_axis(items.unit_minutes, route, axis=1)
    used = used + done.setups * np.take_along_axis(items.setup_minutes, route, axis=1)
    at = np.take_along_axis(items.line, route, axis=1)
    load = np.zeros((lines, weeks))
    rows, columns = np.nonzero(used > 0)
    np.add.at(load, (at[rows, columns], columns), used[rows, columns])
    return load


def _cost(items: Items, units: Floats, route: Ints, regular: Floats, over: Floats, over_cost: Floats) -> float:
    load = minutes_used(items, units, route, regular.shape[0])
    if (load > regular + over + 1e-6).any():
        return float("inf")
    return float(roll(items, units, route).cost.sum() + (np.clip(load - regular, 0, over) * over_cost).sum())


def _solve(
    items: Items, units: Floats, route: Ints, group: Ints, regular: Floats, over: Floats, over_cost: Floats
) -> tuple[Floats, Ints, float]:
    """Lots, routes and lateness of `group` in the minutes the others leave; with the programme's bound."""
    rest = np.array(units)
    rest[group] = 0.0
    lines = regular.shape[0]
    others_load = minutes_used(items, rest, route, lines)
    regular_free = np.maximum(0.0, regular - others_load)
    over_free = np.maximum(0.0, over - np.maximum(0.0, others_load - regular))
    group_load = minutes_used(items, units, route, lines) - others_load
    programme = _Programme()
    lots: dict[tuple[int, int, int], tuple[int, float]] = {}
    load: dict[tuple[int, int], list[Any]] = {}
    now = roll(items, units, route)
    for item in (int(one) for one in group):
        before: Any = 0.0
        for week in range(units.shape[1]):
            made = []
            for option in range(items.line.shape[1]):
                line = int(items.line[item, option])
                if line < 0 or week < items.first_week[item]:
                    continue
                is_here = route[item, week] == option
                here = float(units[item, week]) if is_here else 0.0
                setups = float(now.setups[item, week]) if is_here else 0.0
                room = float(regular_free[line, week] + over_free[line, week])
                lot, step, minutes, is_made = _lot(programme, items, item, option, room, here, setups)
                lots[item, week, option] = (lot.index, step)
                load.setdefault((line, week), []).append(minutes)
                made.append((step * lot, is_made))
            if len(made) > 1:  # a sku runs on one line a week
                programme.model.addConstr(sum(is_made for _, is_made in made) <= 1)
            before = _close_week(programme, items, item, week, before, [lot for lot, _ in made], now)
    for (line, week), parts in sorted(load.items()):
        spare, free = float(over_free[line, week]), float(regular_free[line, week])
        used = float(np.clip(group_load[line, week] - free, 0.0, spare))
        extra = programme.variable(spare, used, cost=float(over_cost[line, week]))
        programme.model.addConstr(sum(parts) - extra <= free)
    values = programme.solve()
    new_units, new_route = np.array(units), np.array(route)
    if values is None:
        return new_units, new_route, 0.0
    new_units[group] = 0.0
    for (item, week, option), (index, step) in lots.items():
        value = values[index]
        quantity = round(value) * step if items.multiple[item] > 0 else np.floor(value * 1000 + 1e-3) / 1000
        if quantity > new_units[item, week]:
            new_units[item, week], new_route[item, week] = quantity, option
    return new_units, new_route, float(programme.model.getInfo().mip_dual_bound)


class _Programme:
    """A HiGHS model that remembers the start value of each variable."""

    def __init__(self) -> None:
        self.model = highspy.Highs()  # type: ignore[no-untyped-call]
        self.start: list[float] = []
        for option, value in (
            ("output_flag", False), ("threads", 1), ("random_seed", 1), ("mip_rel_gap", 1e-4), ("mip_max_nodes", NODES),
        ):  # fmt: skip
            self.model.setOptionValue(option, value)

    def variable(self, upper: float, start: float, cost: float = 0.0, lower: float = 0.0, whole: bool = False) -> Any:
        self.start.append(start)
        kind = highspy.HighsVarType.kInteger if whole else highspy.HighsVarType.kContinuous
        return self.model.addVariable(lb=lower, ub=upper, obj=cost, type=kind)

    def solve(self) -> Floats | None:
        solution = highspy.HighsSolution()
        solution.col_value = self.start
        self.model.setSolution(solution)
        self.model.run()
        values = np.array(self.model.getSolution().col_value)
        return values if values.size == len(self.start) else None


def _lot(
    programme: _Programme, items: Items, item: int, option: int, room: float, here: float, setups: float
) -> tuple[Any, float, Any, Any]:
    """One lot on one line in one week: its variable, units per step of it, line minutes, and whether it is made."""
    minutes, setup_minutes = float(items.unit_minutes[item, option]), float(items.setup_minutes[item, option])
    least, multiple, largest = float(items.least[item]), float(items.multiple[item]), float(items.most[item])
    most = max(here, float(items.net[item].sum()) + least + multiple)
    if minutes > 0:
        most = max(here, min(most, max(0.0, room - setup_minutes) / minutes))
    step = multiple if multiple > 0 else 1.0
    lot = programme.variable(
        max(here, np.floor(most / step + 1e-9) * step) / step if multiple > 0 else most, here / step, whole=multiple > 0
    )
    cost = float(items.setup_cost[item, option])
    if largest <= 0 or most <= largest:
        setup = is_made = programme.variable(1.0, setups, cost=cost, whole=True)
    else:
        many = float(np.ceil(most / largest))
        setup = programme.variable(many, setups, cost=cost, whole=True)
        is_made = programme.variable(1.0, min(1.0, setups), whole=True)
        programme.model.addConstr(setup - many * is_made <= 0)
        programme.model.addConstr(step * lot - largest * setup <= 0)
    programme.model.addConstr(step * lot - most * is_made <= 0)
    if least > 0:
        programme.model.addConstr(step * lot - least * is_made >= 0)
    return lot, step, minutes * step * lot + setup_minutes * setup, is_made


def _close_week(
    programme: _Programme, items: Items, item: int, week: int, before: Any, made: list[Any], now: Schedules
) -> Any:
    """The balance of one item and week and what it costs; returns units ahead of need as a variable."""
    weeks = items.net.shape[1]
    base, net = float(items.base[item, week]), float(items.net[item, week])
    upto = week + int(items.keep_weeks[item])
    keep = float(items.net[item, week + 1 : upto + 1].sum()) if upto < weeks else highspy.kHighsInf
    stock = float(now.stock[item, week])
    ahead = programme.variable(keep, min(keep, stock - base), lower=-highspy.kHighsInf)
    # what never spoils is never thrown away; a tiny price keeps the programme from making units only to waste them
    waste = programme.variable(
        highspy.kHighsInf if upto < weeks else 0.0,
        float(now.wasted[item, week]),
        cost=max(WASTE_COST, float(items.worth[item])),
    )
    programme.model.addConstr(ahead - before + waste - sum(made) == -net)
    owed_weight = 1.0 + weeks if week == weeks - 1 else 1.0
    held = programme.variable(highspy.kHighsInf, max(0.0, stock), cost=float(items.holding[item]))
    owed = programme.variable(highspy.kHighsInf, max(0.0, -stock), cost=float(items.backorder[item]) * owed_weight)
    programme.model.addConstr(held - owed - ahead == base)
    safety = float(items.safety[item, week])
    if safety > 0:
        short = programme.variable(safety, float(np.clip(safety - stock, 0, safety)), cost=float(items.shortfall[item]))
        programme.model.addConstr(short + held >= safety)
    return ahead
