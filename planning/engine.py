"""make_plan: demand, stock, bills and lines in; requirements, the weekly plan by line, pegging and exceptions out."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from time import perf_counter
from typing import Any

import numpy as np
import polars as pl

from planning import results
from planning.audit import broken_promises
from planning.contracts import OUT, checked, empty
from planning.exceptions import WORTH_SAYING, Note, plan_notes, table_notes, unlinked_notes
from planning.lines import (
    Calendar,
    FirmRun,
    Stage,
    families_run,
    items_of,
    place_firm_orders,
    plan_stage,
    read_calendar,
)
from planning.network import Network, Place
from planning.pegging import Peg, peg_production
from planning.policy import EPSILON
from planning.requirements import Demand, Lot, LotRule, Netting, net_requirements
from planning.stability import nervousness
from tillmill.errors import BuildError, UsageError


@dataclass
class Run:
    """What planning has found so far, level by level."""

    network: Network
    dependent: dict[Place, list[Demand]] = field(default_factory=lambda: defaultdict(list))
    requirements: list[dict[str, Any]] = field(default_factory=list)
    transfers: list[dict[str, Any]] = field(default_factory=list)
    pegs: list[Peg] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    stages: list[Stage] = field(default_factory=list)
    firm: list[FirmRun] = field(default_factory=list)


def make_plan(
    tables: dict[str, pl.DataFrame],
    *,
    start_on: date,
    horizon_weeks: int,
    service_level: float,
    look_ahead_weeks: int = 0,
) -> dict[str, pl.DataFrame]:
    """The Out tables of the planning contracts (without plan_id), `summary` a one-row frame; units, minutes, ISO weeks.

    `tables` by the names of `planning.contracts.IN`, any of them left out; `start_on` is the day the plan begins (its
    ISO week is the first), `service_level` (0.5..1) holds where item_policy names none. The plan is made over
    `look_ahead_weeks` more than it shows, so that its last weeks prepare for what follows. Without demand every table
    is empty and the summary zero. Costs and the bound are defined in docs/planning.md. Two calls on the same tables
    agree in everything but summary.seconds. Raises UsageError for a table that cannot be used and BomCycleError for a
    bill that leads back to itself, BuildError when the finished plan fails its own audit.
    """
    began = perf_counter()
    if horizon_weeks < 1 or look_ahead_weeks < 0 or not 0 < service_level < 1:
        raise UsageError(
            f"plan: horizon_weeks {horizon_weeks} must be at least 1, look_ahead_weeks {look_ahead_weeks} at least 0 "
            f"and service_level {service_level} within 0..1"
        )
    given = checked(tables)
    monday = start_on - timedelta(days=start_on.weekday())
    mondays = [monday + timedelta(days=7 * week) for week in range(horizon_weeks + look_ahead_weeks)]
    network = Network(given, mondays, start_on, service_level)
    if not network.demands:
        return {name: empty(name) for name in OUT if name != "summary"} | {
            "summary": results.summary([], {}, 0.0, 0.0, horizon_weeks, perf_counter() - began)
        }
    run = Run(network)
    calendar = read_calendar(given, network)
    given_calendar = calendar.copy()
    run.firm = place_firm_orders(network, calendar)
    run.notes.extend(table_notes(given, network, given_calendar, run.firm))
    moved = {one.receipt_id: one.week for one in run.firm}
    _explode_firm_orders(run, moved)
    for places in network.stages(run.dependent):
        _plan_level(run, places, calendar, moved)
    run.notes.extend(unlinked_notes(network))
    plan, schedule = results.plan_frames(run.stages, run.firm, network, given_calendar, run.pegs)
    run.notes.extend(plan_notes(run.stages, network, horizon_weeks))
    upto = monday + timedelta(days=7 * horizon_weeks)
    moved_rate = nervousness(plan.filter(pl.col("week_on") < upto), given["previous_plan"])
    used = results.utilisation(schedule, given_calendar, horizon_weeks, upto)
    overtime_cost = results.overtime_cost(plan, given["calendar"])
    outputs = {
        "requirements": results.frame("requirements", run.requirements, ["sku", "location_id", "week_on"]),
        "pegging": results.pegging_frame(run.pegs),
        "production_plan": plan,
        "transfers": results.frame("transfers", run.transfers, ["transfer_id"]),
        "schedule_orders": schedule,
        "exceptions": results.exceptions_frame(run.notes, run.pegs),
        "summary": results.summary(run.stages, used, overtime_cost, moved_rate, horizon_weeks, perf_counter() - began),
    }
    broken = broken_promises(given, outputs, start_on)
    if broken:
        raise BuildError(f"plan: {broken[0]}", state=f"{len(broken)} promises are broken; no plan is handed on.")
    return results.shown_until(outputs, upto)


def _plan_level(run: Run, places: list[Place], calendar: Calendar, moved: dict[str, int]) -> None:
    """Net every place of one level of the bill, plan its lines, and pass what its lots need to the levels below."""
    network = run.network
    making: dict[str, list[tuple[Place, Netting, int]]] = defaultdict(list)
    unrouted: list[tuple[Place, Netting]] = []
    for place in places:
        demands = [*network.demands.get(place, []), *run.dependent.get(place, [])]
        lots = network.lots(place, moved)
        if not demands and not lots:
            continue
        if network.is_phantom(place):
            _pass_through(run, place, demands, lots)
            continue
        gross = [0.0] * len(network.mondays)
        for demand in demands:
            gross[demand.week] += demand.units
        keep = network.keep_weeks(place, demands)
        safety = network.safety(place, gross, keep)
        policy = network.policy(place)
        netting = net_requirements(network.mondays, demands, lots, safety, policy.rule)
        mode = network.mode(place)
        _require(run, place, netting, mode)
        if mode == "make":
            each_week = net_requirements(network.mondays, demands, lots, safety, LotRule())
            making[place.sku].append((place, each_week, keep))
            if place.sku not in network.routes:
                unrouted.append((place, netting))
            run.pegs.extend(
                (supply, demand.demand_id, units, demand.depth) for supply, demand, units in each_week.served
            )
        else:
            run.pegs.extend((supply, demand.demand_id, units, demand.depth) for supply, demand, units in netting.served)
            _order(run, place, netting, mode)
    for place, netting in unrouted:  # no line can make it, yet its components are planned while the routing is missing
        _order(run, place, netting, "make")
    if making:
        _make(run, making, calendar, {place.sku for place, _ in unrouted})


def _require(run: Run, place: Place, netting: Netting, mode: str, is_released: bool = True) -> None:
    """Add one place's rows of the requirements table, and say what spoils and what should have been ordered already."""
    network, lead = run.network, run.network.policy(place).lead_time_days
    late = 0.0
    for week, monday in enumerate(network.mondays):
        release = monday - timedelta(days=lead) if is_released and netting.planned[week] > 0 else None
        if (
            release is not None
            and mode != "make"
            and monday + timedelta(days=6) < network.start_on + timedelta(days=lead)
        ):
            late += netting.planned[week]
        run.requirements.append(
            {
                "sku": place.sku, "location_id": place.location_id, "week_on": monday,
                "gross_units": netting.gross[week],
                "on_hand_used_units": netting.on_hand_used[week], "expired_units": netting.expired[week],
                "receipts_units": netting.receipts[week], "safety_stock_units": netting.safety[week],
                "net_units": netting.net[week], "planned_receipt_units": netting.planned[week], "release_on": release,
            }
        )  # fmt: skip
    if late > EPSILON:
        supply = [f"{mode}:{place.sku}:{place.location_id}:{monday}" for monday in network.mondays]
        words = (
            f"{place}: {late:.3f} units should have been ordered before {network.start_on}; "
            f"lead time is {lead} days. Expedite them."
        )
        run.notes.append(Note("late", str(place), str(network.start_on), f"lead time {lead} days", late, words, supply))
    for supply_id, units in sorted(netting.wasted.items()):
        if not supply_id.startswith("planned:") and units >= WORTH_SAYING:
            run.notes.append(
                Note(
                    "expired",
                    supply_id,
                    "",
                    "expired",
                    units,
                    f"{place}: {units:.3f} units of {supply_id} expire before they can be used.",
                    [],
                )
            )


def _order(run: Run, place: Place, netting: Netting, mode: str) -> None:
    """Planned receipts of a place as supply, and as demand of the components or of the place they come from."""
    network, lead = run.network, run.network.policy(place).lead_time_days
    depth = max((demand.depth for demand, _ in netting.unserved), default=0)
    made = []
    for week, monday in enumerate(network.mondays):
        units = netting.planned[week]
        if units <= EPSILON:
            continue
        supply_id = f"{mode}:{place.sku}:{place.location_id}:{monday}"
        made.append((supply_id, week, units))
        needed = max(0, week - lead // 7)
        if mode == "make":
            _explode(run, place, supply_id, needed, units, depth)
        elif mode == "transfer":
            source = network.below(place)[0]
            urgent = min((demand.priority for demand, _ in netting.unserved if demand.week == week), default=5)
            run.dependent[source].append(Demand(supply_id, needed, units, urgent, depth=depth + 1))
            run.transfers.append(
                {
                    "transfer_id": supply_id, "sku": place.sku, "from_location_id": source.location_id,
                    "to_location_id": place.location_id, "units": units, "ship_on": monday - timedelta(days=lead),
                    "reason": "replenishment",
                }
            )  # fmt: skip
    run.pegs.extend(peg_production(netting.unserved, made))


def _pass_through(run: Run, place: Place, demands: list[Demand], lots: list[Lot]) -> None:
    """A phantom's stock serves first; what is left asks for its components in its parents' name, weeks and numbers."""
    network = run.network
    nothing = [0.0] * len(network.mondays)
    netting = net_requirements(network.mondays, demands, lots, nothing, LotRule())
    _require(run, place, netting, "make", is_released=False)
    run.pegs.extend((supply, demand.demand_id, units, demand.depth) for supply, demand, units in netting.served)
    for demand, units in netting.unserved:
        _explode(run, place, demand.demand_id, demand.week, units, demand.depth - 1)


def _explode_firm_orders(run: Run, moved: dict[str, int]) -> None:
    """Ask for the parts of what firm production orders have yet to bring, in the orders' names, when they are released.

    `moved` holds the week an order got on a line; one that got none (-1) brings nothing and asks for nothing.
    """
    network = run.network
    for order in network.firm_orders():
        place = Place(order["sku"], order["location_id"])
        week = moved.get(order["receipt_id"], max(0, network.week_of(order["due_on"])))
        needed = max(0, week - network.policy(place).lead_time_days // 7)
        if week >= 0 and needed < len(network.mondays) and order["units"] > EPSILON:
            _explode(run, place, f"receipt:{order['receipt_id']}", needed, order["units"], 0)


def _explode(run: Run, place: Place, supply_id: str, week: int, units: float, depth: int) -> None:
    """Add what a lot's or an order's bill asks of its components in the week it is released; its own scrap included."""
    network = run.network
    started = units / (1 - network.policy(place).scrap_rate)
    for component in network.bom.components(place.sku, network.mondays[week]):
        need = Demand(supply_id, week, started * component.per_unit, depth=depth + 1)
        run.dependent[Place(component.sku, place.location_id)].append(need)


def _make(
    run: Run, making: dict[str, list[tuple[Place, Netting, int]]], calendar: Calendar, unrouted: set[str]
) -> None:
    """Fit one level's made items into the lines' minutes, peg what is made, and pass its needs down."""
    network = run.network
    items = items_of(network, calendar, making)
    skus = sorted(making)
    before = calendar.copy()
    plan = plan_stage(network, calendar, skus, items)
    demanded = np.array([netting.gross for found in making.values() for _, netting, _ in found]).sum(axis=0)
    run.stages.append(Stage(skus, [making[sku][0][0] for sku in skus], items, plan, before, demanded))
    at = np.take_along_axis(items.line, plan.schedules.route, axis=1)
    for row, sku in enumerate(skus):
        place = making[sku][0][0]
        unserved = [one for _, netting, _ in making[sku] for one in netting.unserved]
        depth = max((demand.depth for demand, _ in unserved), default=0)
        made = []
        for week, monday in enumerate(network.mondays):
            units = float(plan.schedules.units[row, week])
            if units <= EPSILON:
                continue
            supply_id = f"make:{sku}:{calendar.ids[at[row, week]]}:{monday}"
            made.append((supply_id, week, units))
            needed = max(0, week - network.policy(place).lead_time_days // 7)
            _explode(run, place, supply_id, needed, units, depth)
        if sku not in unrouted:
            run.pegs.extend(peg_production(unserved, made))
    for (line, week), families in families_run(network, calendar, skus, items, plan).items():
        calendar.take(line, week, float(plan.load[line, week]), families)
