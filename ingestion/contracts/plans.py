"""Contracts of what the planning room decides; the pipeline fills `plan_id`."""

from __future__ import annotations

import dataframely as dy

from ingestion.contracts import columns
from ingestion.contracts.learnt import learnt


class Requirements(dy.Schema):
    """Net requirement of one SKU in one place and week."""

    plan_id = columns.text(required=True)
    sku = columns.text(required=True)
    location_id = columns.text(required=True)
    week_on = columns.on(required=True)
    gross_units = columns.units()
    on_hand_used_units = columns.units()
    expired_units = columns.units()
    receipts_units = columns.units()
    safety_stock_units = columns.units()
    net_units = columns.units()
    planned_receipt_units = columns.units()
    release_on = columns.on()
    observed_at = columns.at(required=True)


class ProductionPlan(dy.Schema):
    """What one line makes of one SKU in one week."""

    plan_id = columns.text(required=True)
    sku = columns.text(required=True)
    line_id = columns.text(required=True)
    week_on = columns.on(required=True)
    units = columns.units(required=True)
    setups = columns.number(low=0)
    run_minutes = columns.number(low=0)
    setup_minutes = columns.number(low=0)
    overtime_minutes = columns.number(low=0)
    backorder_units = columns.units()
    safety_short_units = columns.units()
    zone = columns.text(one_of=("frozen", "slushy", "free"))
    observed_at = columns.at(required=True)


class Transfers(dy.Schema):
    """What is to go from one place to another."""

    plan_id = columns.text(required=True)
    transfer_id = columns.text(required=True)
    sku = columns.text(required=True)
    from_location_id = columns.text(required=True)
    to_location_id = columns.text(required=True)
    units = columns.units(required=True)
    ship_on = columns.on()
    reason = columns.text()
    observed_at = columns.at(required=True)


class ScheduleOrders(dy.Schema):
    """One run of one line in the order it is to run: firm orders `released`, new lots `draft`; changeover included."""

    plan_id = columns.text(required=True)
    order_id = columns.text(required=True)
    version = columns.count(required=True)
    sku = columns.text(required=True)
    line_id = columns.text(required=True)
    start_at = columns.at(required=True)
    end_at = columns.at(required=True)
    units = columns.units(required=True)
    priority = columns.count()
    state = columns.text(required=True, one_of=("draft", "released"))
    observed_at = columns.at(required=True)


class Pegging(dy.Schema):
    """Which supply serves which demand."""

    plan_id = columns.text(required=True)
    supply_id = columns.text(required=True)
    demand_id = columns.text(required=True)
    units = columns.units()
    depth = columns.count()
    observed_at = columns.at(required=True)


class Exceptions(dy.Schema):
    """What a planner has to look at."""

    plan_id = columns.text(required=True)
    exception_id = columns.text(required=True)
    kind = columns.text(required=True)
    object_id = columns.text()
    old = columns.text()
    new = columns.text()
    amount = columns.number()
    pegged_demand_ids = columns.text()
    message = columns.text()
    observed_at = columns.at(required=True)


class Summary(dy.Schema):
    """One plan in figures; `parts` is JSON of everything that has no column of its own."""

    plan_id = columns.text(required=True)
    total_cost = columns.number()
    bound = columns.number()
    gap_rate = columns.rate(bounded=False)
    fill_rate = columns.rate(bounded=False)
    backorder_units = columns.units()
    nervousness = columns.number()
    parts = columns.text()
    observed_at = columns.at(required=True)


CONTRACTS = (
    learnt("planning.requirements", Requirements, ("plan_id", "sku", "location_id", "week_on")),
    learnt("planning.production_plan", ProductionPlan, ("plan_id", "sku", "line_id", "week_on")),
    learnt("planning.transfers", Transfers, ("plan_id", "transfer_id")),
    learnt("planning.schedule_orders", ScheduleOrders, ("plan_id", "order_id", "version")),
    learnt("planning.pegging", Pegging, ("plan_id", "supply_id", "demand_id")),
    learnt("planning.exceptions", Exceptions, ("plan_id", "exception_id")),
    learnt("planning.summary", Summary, ("plan_id",)),
)
