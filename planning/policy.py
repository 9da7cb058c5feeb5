"""How much to keep and how much to make at a time: safety stock and the textbook lot sizes."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt
from statistics import NormalDist

STANDARD = NormalDist()
Z90 = STANDARD.inv_cdf(0.9)
EPSILON = 1e-6  # units below this are rounding noise


def sigma_from_quantile(mean: float, q90: float) -> float:
    """Standard deviation (units) of a normal week whose 90 % quantile is `q90`; never below 0."""
    return max(0.0, (q90 - mean) / Z90)


def safety_stock(sigma: float, lead_time_days: float, service_level: float, review_days: float = 7.0) -> float:
    """Safety stock (units) z·σ·√((L + R) / 7) for weekly `sigma`, of a base-stock policy reviewed every `review_days`.

    Snyder & Shen, Fundamentals of Supply Chain Theory, section 4.3.4. Service level below 0.5 gives 0.
    """
    z = max(0.0, STANDARD.inv_cdf(service_level))
    return z * sigma * sqrt((lead_time_days + review_days) / 7.0)


def eoq(setup_cost: float, holding_cost: float, demand_rate: float) -> tuple[float, float]:
    """Economic order quantity (units) and its cost per period (Snyder & Shen, section 3.2)."""
    quantity = sqrt(2 * setup_cost * demand_rate / holding_cost)
    return quantity, sqrt(2 * setup_cost * demand_rate * holding_cost)


def eoq_backorders(
    setup_cost: float, holding_cost: float, demand_rate: float, backorder_cost: float
) -> tuple[float, float, float]:
    """EOQ with planned backorders: quantity (units), share backordered (rate), cost per period (section 3.5)."""
    share = holding_cost / (holding_cost + backorder_cost)
    quantity = sqrt(2 * setup_cost * demand_rate / (holding_cost * (1 - share)))
    return quantity, share, sqrt(2 * setup_cost * demand_rate * holding_cost * (1 - share))


def newsvendor_normal(
    holding_cost: float, backorder_cost: float, mean: float, sigma: float, lead_time: float = 0.0, review: float = 0.0
) -> tuple[float, float]:
    """Newsvendor level (units) and its expected cost for normal demand per period (section 4.3.2).

    With `lead_time` and `review` (periods) demand is that of lead time + review, as in a base-stock policy.
    """
    periods = lead_time + review if lead_time + review > 0 else 1.0
    total, spread = mean * periods, sigma * sqrt(periods)
    z = STANDARD.inv_cdf(backorder_cost / (holding_cost + backorder_cost))
    return total + z * spread, (holding_cost + backorder_cost) * STANDARD.pdf(z) * spread


def wagner_whitin(
    setup_cost: float, holding_cost: float, demand: Sequence[float], unit_costs: Sequence[float] | None = None
) -> tuple[list[float], float]:
    """Cheapest lots (units per period) without capacity, and their cost (Wagner & Whitin 1958; section 3.7).

    `unit_costs` per period where the price differs. On a tie the longer lot wins.
    """
    periods = len(demand)
    prices = list(unit_costs) if unit_costs is not None else [0.0] * periods
    best = [0.0] * (periods + 1)
    until = [periods] * periods
    for first in reversed(range(periods)):
        best[first] = float("inf")
        held = bought = 0.0
        for last in range(first, periods):
            held += holding_cost * (last - first) * demand[last]
            bought += demand[last]
            setup = setup_cost if bought > 0 else 0.0
            cost = setup + prices[first] * bought + held + best[last + 1]
            if cost <= best[first]:
                best[first], until[first] = cost, last + 1
    lots = [0.0] * periods
    first = 0
    while first < periods:
        lots[first] = float(sum(demand[first : until[first]]))
        first = until[first]
    return lots, best[0]


def consume_forecast(
    orders: Sequence[float], forecast: Sequence[float], back: int = 0, forward: int = 0
) -> list[float]:
    """What is left of `forecast` (units per week) once `orders` have used it up, earlier weeks first.

    An order takes its own week's forecast, then up to `back` weeks earlier (the nearest first), then `forward` later.
    """
    left = [float(units) for units in forecast]
    for week, units in enumerate(orders):
        open_units = float(units)
        earlier = range(week - 1, max(-1, week - back - 1), -1)
        later = range(week + 1, min(len(left), week + forward + 1))
        for target in (week, *earlier, *later):
            taken = min(open_units, left[target])
            left[target] -= taken
            open_units -= taken
    return left


def lot_size(net: float, least: float = 0.0, multiple: float = 0.0) -> float:
    """The lot (units) for a net requirement: at least `least`, a whole number of `multiple`; 0 stays 0."""
    if net <= EPSILON:
        return 0.0
    units = max(net, least)
    if multiple > 0:
        units = max(1, ceil(units / multiple - EPSILON)) * multiple
    return units
