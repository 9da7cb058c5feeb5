"""Weekly time-phased netting of one sku at one location: demand against stock by expiry, receipts, then lots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from planning.policy import EPSILON, lot_size

NEVER = date.max


@dataclass
class Demand:
    """One demand in one week: `demand_id` says whose, `reject_days` how much life its channel asks for."""

    demand_id: str
    week: int
    units: float
    priority: int = 5
    reject_days: float = 0.0
    depth: int = 0


@dataclass
class Lot:
    """Supply that is there from `week` on; usable before `expiry_on` less the channel's reject days."""

    supply_id: str
    week: int
    units: float
    expiry_on: date = NEVER
    kind: str = "stock"


@dataclass(frozen=True)
class LotRule:
    """Lot sizing and life of one item; 0 = no rule, shelf life 0 = does not spoil."""

    least: float = 0.0
    multiple: float = 0.0
    most: float = 0.0
    shelf_life_days: float = 0.0

    def size(self, net: float) -> float:
        return lot_size(net, self.least, self.multiple)


@dataclass
class Netting:
    """Weekly columns of the requirements table (units), closing stock, and who was served by what."""

    gross: list[float]
    on_hand_used: list[float]
    expired: list[float]
    receipts: list[float]
    safety: list[float]
    net: list[float]
    planned: list[float]
    closing: list[float]
    served: list[tuple[str, Demand, float]] = field(default_factory=list)
    unserved: list[tuple[Demand, float]] = field(default_factory=list)
    wasted: dict[str, float] = field(default_factory=dict)


def net_requirements(
    mondays: Sequence[date], demands: Sequence[Demand], lots: Sequence[Lot], safety: Sequence[float], rule: LotRule
) -> Netting:
    """Net one item through the weeks (first-expired-first-out), planning a lot wherever stock would end below safety.

    Per week: opening + receipts + planned = gross + expired + closing. A lot that expires on a Thursday serves at most
    the Monday-to-Wednesday share of a week's demand. Units are base units; planned lots are uncapacitated and arrive
    in the week that needs them, whatever their lead time.
    """
    weeks = len(mondays)
    zeros = [0.0] * weeks
    out = Netting(zeros[:], zeros[:], zeros[:], zeros[:], zeros[:], zeros[:], zeros[:], zeros[:])
    by_week: list[list[Demand]] = [[] for _ in range(weeks)]
    for demand in sorted(demands, key=lambda one: (one.priority, one.demand_id)):
        by_week[demand.week].append(demand)
    arriving: list[list[Lot]] = [[] for _ in range(weeks)]
    for lot in lots:
        arriving[lot.week].append(Lot(lot.supply_id, lot.week, lot.units, lot.expiry_on, lot.kind))
    held: list[Lot] = []
    for week, monday in enumerate(mondays):
        out.receipts[week] = sum(lot.units for lot in arriving[week] if lot.kind == "receipt")
        held = sorted([*held, *arriving[week]], key=lambda lot: (lot.expiry_on, lot.week, lot.supply_id))
        short = 0.0
        for demand in by_week[week]:
            out.gross[week] += demand.units
            short += _serve(demand, held, monday, week, out)
        next_monday = monday + timedelta(days=7)
        for lot in held:
            if lot.expiry_on < next_monday and lot.units > EPSILON:
                out.expired[week] += lot.units
                out.wasted[lot.supply_id] = out.wasted.get(lot.supply_id, 0.0) + lot.units
        held = [lot for lot in held if lot.expiry_on >= next_monday and lot.units > EPSILON]
        closing = sum(lot.units for lot in held)
        out.safety[week] = safety[week]
        # stock that is left while demand is short is too old for it, so it covers safety alone
        net = short + max(0.0, safety[week] - closing)
        out.net[week] = net if net > EPSILON else 0.0
        out.planned[week] = rule.size(out.net[week])
        left = max(0.0, out.planned[week] - short)
        if left > EPSILON:
            expiry = monday + timedelta(days=rule.shelf_life_days) if rule.shelf_life_days else NEVER
            if expiry < next_monday:
                out.expired[week] += left
                left = 0.0
            else:
                held.append(Lot(f"planned:{week}", week, left, expiry, "planned"))
        out.closing[week] = closing + left
    return out


def _serve(demand: Demand, held: Sequence[Lot], monday: date, week: int, out: Netting) -> float:
    """Serve one demand from lots in order of expiry; returns what is left unserved (units)."""
    served = 0.0
    for lot in held:
        if lot.units <= EPSILON:
            continue
        life = 7.0 if lot.expiry_on == NEVER else (lot.expiry_on - monday).days - demand.reject_days
        limit = demand.units * min(7.0, max(0.0, life)) / 7.0
        taken = min(lot.units, limit - served)
        if taken <= EPSILON:
            continue
        lot.units -= taken
        served += taken
        if lot.kind == "stock":
            out.on_hand_used[week] += taken
        if lot.kind != "planned":
            out.served.append((lot.supply_id, demand, taken))
    left = demand.units - served
    if left <= EPSILON:
        return 0.0
    out.unserved.append((demand, left))
    return left
