"""What a plan says about one bucket: price against references, what is near it, what a like plan sold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from forecasting.grid import Floats, Grid, Ints, Matrix, Part, Rhythm

EDGE: Mapping[str, int] = {"D": 7, "W": 3, "MS": 1}
# How unlike a plan may be and still speak for another: log price, and a share of a promotion column's range.
LIKE_PRICE, LIKE_PROMOTION = 0.07, 0.35
Told = dict[str, tuple[Floats, str, float | str]]


@dataclass(frozen=True)
class Plans:
    """The plan as it was looked at once: per column the nearest buckets with something on, and likeness axes."""

    last_on: Mapping[str, Ints]
    next_on: Mapping[str, Ints]
    prices: Mapping[str, Matrix]
    promotions: Mapping[str, Matrix]
    demand: Matrix
    seen: Matrix


def highest_promotions(grid: Grid) -> dict[str, float]:
    """The highest figure each promotion column has had so far: a plan ahead must not rescale what is past."""
    return {
        name: max(float(np.nanmax(values[:, : grid.length], initial=0.0)), 1e-9)
        for name, values in grid.known.items()
        if grid.known_part[name] == "promotion"
    }


def look_at_plans(grid: Grid, highest: Mapping[str, float] | None = None) -> Plans:
    """For each event or promotion column the nearest buckets with something on, and scaled axes of likeness."""
    highest = highest or highest_promotions(grid)
    last_on: dict[str, Ints] = {}
    next_on: dict[str, Ints] = {}
    prices: dict[str, Matrix] = {}
    promotions: dict[str, Matrix] = {}
    for name, values in grid.known.items():
        part = grid.known_part[name]
        if part == "price":
            prices[name] = (np.log(np.where(values > 0, values, np.nan)) / LIKE_PRICE).astype(np.float32)
            continue
        on = np.nan_to_num(values) > 0
        length = values.shape[1]
        steps = np.arange(length)
        last_on[name] = np.maximum.accumulate(np.where(on, steps, -1), axis=1)
        next_on[name] = np.minimum.accumulate(np.where(on, steps, length + grid.rhythm.year)[:, ::-1], axis=1)[:, ::-1]
        if part == "promotion":
            promotions[name] = (np.nan_to_num(values) / (highest[name] * LIKE_PROMOTION)).astype(np.float32)
    seen = ~np.isnan(grid.values)
    demand = np.where(seen, grid.values, 0.0).astype(np.float32)
    return Plans(last_on, next_on, prices, promotions, demand, seen.astype(np.float32))


def plan_features(grid: Grid, plans: Plans, origin: int, target: int, scale: Floats) -> Told:
    """Features of the plan at `target` as known at `origin`; nothing planned after the horizon's end is looked at.

    A column that is not planned so far ahead is NaN, in training as in forecasts: unknown, which is not none.
    """
    out: Told = {}
    unknown = np.full(grid.count, np.nan)
    for name, values in grid.known.items():
        part = grid.known_part[name]
        end = min(origin + grid.reach.get(name, grid.ahead), grid.length + grid.ahead - 1)
        aimed = values[:, target] if grid.is_planned(name, target - origin) else unknown
        if part == "price":
            out |= _price(name, values, aimed, origin, target, grid.rhythm)
        else:
            out[name] = (aimed, part, 0.0)
            if part == "promotion":
                usual = _mean(values[:, max(0, origin + 1 - grid.rhythm.level) : origin + 1])
                out[f"{name}_usual"] = (usual, "base", 0.0)
            if part in ("promotion", "festival"):
                # What a promotion does is told of its own buckets; the calm around it is no part of it.
                near: Part = "festival" if part == "festival" else "other"
                out |= _before_and_after(name, near, values, plans, target, end, EDGE[grid.freq])
    return out | like_plans(grid, plans, origin, target, scale)


def like_plans(grid: Grid, plans: Plans, origin: int, target: int, scale: Floats) -> Told:
    """Mean demand of the last year's buckets whose plan was like the target's: with its promotion, its price, neither.

    Each bucket is weighed by a Gaussian kernel over log price and promotion columns. A promotion that is switched off
    leaves what was sold at the like price without one, and a price what was sold at the usual price.
    Source: Nadaraya 1964, Theory of Probability and its Applications 9(1).
    """
    if not plans.prices and not plans.promotions:
        return {}
    first = max(0, origin + 1 - grid.rhythm.year)
    window = slice(first, origin + 1)
    recent = slice(max(0, origin + 1 - grid.rhythm.level), origin + 1)
    demand, seen = plans.demand[:, window], plans.seen[:, window]
    usual_price = _apart([(axis[:, window], _mean(axis[:, recent])) for axis in plans.prices.values()], seen)
    priced = [axis for name, axis in plans.prices.items() if grid.is_planned(name, target - origin)]
    price = _apart([(axis[:, window], axis[:, target]) for axis in priced], seen)
    no_promotion = _apart([(axis[:, window], np.zeros(grid.count)) for axis in plans.promotions.values()], seen)
    planned = [axis for name, axis in plans.promotions.items() if grid.is_planned(name, target - origin)]
    promotion = _apart([(axis[:, window], axis[:, target]) for axis in planned], seen)
    plain, _ = _weighed(demand, seen, usual_price + no_promotion)
    out: Told = {"sold_at_usual_price": (plain / scale, "base", 0.0)}
    if plans.prices:
        at_price, _ = _weighed(demand, seen, price + no_promotion)
        out["sold_at_like_price"] = (at_price / scale if priced else at_price * np.nan, "price", "sold_at_usual_price")
    if plans.promotions:
        at_plan, count = _weighed(demand, seen, price + promotion)
        without = "sold_at_like_price" if plans.prices else "sold_at_usual_price"
        out["sold_at_like_plan"] = (at_plan / scale if planned else at_plan * np.nan, "promotion", without)
        out["like_plans"] = (count, "base", 0.0)
    return out


def _apart(axes: list[tuple[Matrix, Floats | Matrix]], like: Matrix) -> Matrix:
    """Squared distance of each bucket's plan from the aimed one, over all axes; an unknown figure is no distance."""
    out = np.zeros_like(like)
    for past, aimed in axes:
        gap = past - aimed.astype(np.float32)[:, None]
        gap *= gap
        gap[np.isnan(gap)] = 0.0
        out += gap
    return out


def _weighed(demand: Matrix, seen: Matrix, apart: Matrix) -> tuple[Floats, Floats]:
    weight = np.exp(-0.5 * apart) * seen
    total = weight.sum(axis=1, dtype=np.float64)
    sold = (demand * weight).sum(axis=1, dtype=np.float64)
    return np.divide(sold, total, out=np.full(total.size, np.nan), where=total > 0.05), total


def _price(name: str, values: Floats, aimed: Floats, origin: int, target: int, rhythm: Rhythm) -> Told:
    """The price aimed at against its usual level, the year's highest and the bucket before."""
    usual = _mean(values[:, max(0, origin + 1 - rhythm.level) : origin + 1])
    highest = np.fmax.reduce(values[:, max(0, origin + 1 - rhythm.year) : origin + 1], axis=1)
    return {
        f"{name}_to_usual": (_ratio(aimed, usual), "price", 1.0),
        f"{name}_to_highest": (_ratio(aimed, highest), "price", 1.0),
        f"{name}_to_before": (_ratio(aimed, values[:, target - 1]), "price", 1.0),
    }


def _before_and_after(name: str, part: Part, values: Floats, plans: Plans, target: int, end: int, edge: int) -> Told:
    """Buckets since and until the nearest one with something on (0 = none near), and what it is."""
    rows = np.arange(values.shape[0])
    last, following = plans.last_on[name][:, min(target - 1, end)], plans.next_on[name][:, min(target + 1, end)]
    since = target - last
    until = following - target
    near_last = (last >= 0) & (since <= edge)
    near_next = (until > 0) & (until <= edge) & (following <= end)
    was = np.where(near_last, values[rows, np.maximum(last, 0)], 0.0)
    will = np.where(near_next, values[rows, np.minimum(following, end)], 0.0)
    return {
        f"since_{name}": (np.where(near_last, since, 0).astype(np.float64), part, 0.0),
        f"until_{name}": (np.where(near_next, until, 0).astype(np.float64), part, 0.0),
        f"{name}_before": (was, part, 0.0),
        f"{name}_after": (will, part, 0.0),
    }


def _mean(values: Floats | Matrix) -> Floats:
    seen = ~np.isnan(values)
    return _ratio(np.where(seen, values, 0.0).sum(axis=1), seen.sum(axis=1).astype(np.float64))


def _ratio(top: Floats, bottom: Floats) -> Floats:
    out = np.full(np.broadcast(top, bottom).shape, np.nan)
    np.divide(top, bottom, out=out, where=bottom > 0)
    return out
