"""Which supply serves which demand: stock and receipts as netting used them, production first come, first served."""

from __future__ import annotations

from collections.abc import Sequence

from planning.policy import EPSILON
from planning.requirements import Demand

Peg = tuple[str, str, float, int]  # supply_id, demand_id, units, depth


def peg_production(unserved: Sequence[tuple[Demand, float]], made: Sequence[tuple[str, int, float]]) -> list[Peg]:
    """Pair what stock could not serve with what is made, both by week then priority then id (supply_id, week, units).

    Sums are conserved: no supply pegs more than it makes, no demand gets more than it asks. What is made beyond demand
    (safety stock, lot rounding) has no peg.
    """
    waiting = sorted(unserved, key=lambda one: (one[0].week, one[0].priority, one[0].demand_id))
    pegs: list[Peg] = []
    at, left = 0, waiting[0][1] if waiting else 0.0
    for supply_id, _, units in sorted(made, key=lambda one: (one[1], one[0])):
        remaining = units
        while remaining > EPSILON and at < len(waiting):
            taken = min(remaining, left)
            if taken > EPSILON:
                pegs.append((supply_id, waiting[at][0].demand_id, taken, waiting[at][0].depth))
            remaining -= taken
            left -= taken
            if left <= EPSILON:
                at += 1
                left = waiting[at][1] if at < len(waiting) else 0.0
    return pegs


def roots(pegs: Sequence[Peg]) -> dict[str, list[str]]:
    """The final demands behind each supply, through every level of the bill: supply_id → sorted demand ids."""
    upward: dict[str, list[str]] = {}
    for supply_id, demand_id, _, _ in pegs:
        upward.setdefault(supply_id, []).append(demand_id)
    found: dict[str, list[str]] = {}
    for supply_id in upward:
        seen: set[str] = set()
        ends: set[str] = set()
        open_ids = [supply_id]
        while open_ids:
            for above in upward.get(open_ids.pop(), []):
                if above not in upward:
                    ends.add(above)
                elif above not in seen:
                    seen.add(above)
                    open_ids.append(above)
        found[supply_id] = sorted(ends)
    return found
