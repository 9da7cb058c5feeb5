"""Contracts of what the rooms learn; it lands like any other stream, and the pipeline fills `run_id` or `plan_id`."""

from __future__ import annotations

import dataframely as dy

from ingestion.contracts import columns
from ingestion.contracts.contract import Contract

SERIES_KEY = {"channel_id": "*", "location_id": "*"}


class Links(dy.Schema):
    """Two records that are one person (`link`), or never are (`never` wins)."""

    left_record = columns.text(required=True)
    right_record = columns.text(required=True)
    rule = columns.text(required=True)
    model_version = columns.text(required=True)
    verdict = columns.text(required=True, one_of=("link", "never"))
    weight = columns.number()
    evidence = columns.text()
    at = columns.at()
    observed_at = columns.at(required=True)


class Identities(dy.Schema):
    """Which customer a record belonged to from a moment on."""

    record_token = columns.text(required=True)
    decided_at = columns.at(required=True)
    customer_id = columns.text(required=True)
    previous_customer_id = columns.text()
    reason = columns.text()
    observed_at = columns.at(required=True)


class Effects(dy.Schema):
    """What one promotion did for one SKU, by one method; `low_units` to `high_units` is the 90 % interval."""

    run_id = columns.text(required=True)
    promotion_id = columns.text(required=True)
    sku = columns.text(required=True)
    channel_id = columns.text(required=True)
    method = columns.text(required=True)
    kind = columns.text()
    starts_on = columns.on()
    ends_on = columns.on()
    treated_stores = columns.count()
    treated_units = columns.units()
    baseline_units = columns.units()
    incremental_units = columns.units()
    low_units = columns.units()
    high_units = columns.units()
    lift_rate = columns.rate(bounded=False)
    p_placebo = columns.rate()
    minimum_detectable_lift_rate = columns.rate(bounded=False)
    donor_stores = columns.count()
    pre_weeks = columns.count()
    margin_amount = columns.amount()
    currency = columns.currency()
    roi = columns.number()
    verdict = columns.text(required=True)
    why = columns.text()
    observed_at = columns.at(required=True)


class History(dy.Schema):
    """Demand as it would have been with stock on the shelf."""

    run_id = columns.text(required=True)
    sku = columns.text(required=True)
    channel_id = columns.text(required=True)
    location_id = columns.text(required=True)
    on = columns.on(required=True)
    unconstrained_units = columns.number(required=True)
    method = columns.text(required=True)
    observed_at = columns.at(required=True)


class Demand(dy.Schema):
    """One bucket of one series' forecast in units: mean and quantiles; `parts` is JSON of what adds up to the mean."""

    run_id = columns.text(required=True)
    sku = columns.text(required=True)
    channel_id = columns.text(required=True)
    location_id = columns.text(required=True)
    freq = columns.text(required=True)
    bucket_on = columns.on(required=True)
    mean = columns.number(required=True)
    q05 = columns.number()
    q10 = columns.number()
    q25 = columns.number()
    q50 = columns.number()
    q75 = columns.number()
    q90 = columns.number()
    q95 = columns.number()
    parts = columns.text()
    method = columns.text()
    cutoff_on = columns.on(required=True)
    observed_at = columns.at(required=True)


class Scores(dy.Schema):
    """One error figure of one series (or `*`) at one level and horizon, beside the benchmark's."""

    run_id = columns.text(required=True)
    series = columns.text(required=True)
    level = columns.text(required=True)
    klass = dy.String(nullable=False, alias="class")
    step = columns.text(required=True)
    horizon = columns.count(required=True)
    metric = columns.text(required=True)
    value = columns.number()
    benchmark_value = columns.number()
    observed_at = columns.at(required=True)


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


def _learnt(
    name: str, schema: type[dy.Schema], key: tuple[str, ...], defaults: dict[str, str] | None = None
) -> Contract:
    return Contract(name, schema, key=key, version="observed_at", event="observed_at", defaults=defaults or {})


CONTRACTS = (
    _learnt("customers.links", Links, ("left_record", "right_record", "rule", "model_version")),
    _learnt("customers.identities", Identities, ("record_token", "decided_at")),
    _learnt(
        "promotions.effects",
        Effects,
        ("run_id", "promotion_id", "sku", "channel_id", "method"),
        {"channel_id": "*", "promotion_id": "-"},
    ),
    _learnt("forecasting.history", History, ("run_id", "sku", "channel_id", "location_id", "on"), SERIES_KEY),
    _learnt(
        "forecasting.demand", Demand, ("run_id", "sku", "channel_id", "location_id", "freq", "bucket_on"), SERIES_KEY
    ),
    _learnt(
        "forecasting.scores",
        Scores,
        ("run_id", "series", "level", "class", "step", "horizon", "metric"),
        {"series": "*", "level": "*", "class": "*", "step": "-"},
    ),
    _learnt("planning.requirements", Requirements, ("plan_id", "sku", "location_id", "week_on")),
    _learnt("planning.production_plan", ProductionPlan, ("plan_id", "sku", "line_id", "week_on")),
    _learnt("planning.schedule_orders", ScheduleOrders, ("plan_id", "order_id", "version")),
    _learnt("planning.pegging", Pegging, ("plan_id", "supply_id", "demand_id")),
    _learnt("planning.exceptions", Exceptions, ("plan_id", "exception_id")),
    _learnt("planning.summary", Summary, ("plan_id",)),
)
