"""Contracts of what people decide and fill in: the brand's own lists, segments, overrides, decisions, form entries."""

from __future__ import annotations

import dataframely as dy

from ingestion.contracts import columns, oddities
from ingestion.contracts.contract import Contract
from ingestion.contracts.learnt import learnt

ALL_GOODS = {"sku": "*", "channel_id": "*"}


class PromotionPlan(dy.Schema):
    """One SKU in one channel in one promotion to come; `threshold` is the amount from which it holds."""

    promotion_id = columns.text(required=True)
    sku = columns.text(required=True)
    channel_id = columns.text(required=True)
    mechanic = columns.text()
    threshold = columns.amount()
    depth_rate = columns.rate()
    presale_from = columns.on()
    starts_on = columns.on()
    ends_on = columns.on()
    budget_amount = columns.amount()
    currency = columns.currency()
    borne_by = columns.text()
    expected_units = columns.units()
    status = columns.text()
    owner = columns.text()
    observed_at = columns.at(required=True)


class ChannelLife(dy.Schema):
    """How many days of life a channel asks for: refused below, set aside below, warned below."""

    channel_id = columns.text(required=True)
    sku = columns.text(required=True)
    reject_days = columns.count()
    lockup_days = columns.count()
    warn_days = columns.count()
    observed_at = columns.at(required=True)


class ItemPolicy(dy.Schema):
    """How one SKU is planned in one place; the costs are of one base unit for one week."""

    sku = columns.text(required=True)
    location_id = columns.text(required=True)
    service_level = columns.rate()
    lead_time_days = columns.count()
    lot_min_units = columns.units(negative=False)
    lot_multiple_units = columns.units(negative=False)
    lot_max_units = columns.units(negative=False)
    shelf_life_days = columns.count()
    scrap_rate = columns.rate()
    frozen_days = columns.count()
    slushy_days = columns.count()
    safety_stock_units = columns.units(negative=False)
    holding_cost = columns.amount()
    backorder_cost = columns.amount()
    currency = columns.currency()
    observed_at = columns.at(required=True)


class Targets(dy.Schema):
    """One target: `scope` is what it is for, `period` when (a year, a month, an ISO week)."""

    version = columns.text(required=True)
    metric = columns.text(required=True)
    scope = columns.text(required=True)
    period = columns.text(required=True)
    amount = columns.amount()
    currency = columns.currency()
    owner = columns.text()
    observed_at = columns.at(required=True)


class CodeCrosswalk(dy.Schema):
    """What an old code is called from a date on."""

    kind = columns.text(required=True)
    old_code = columns.text(required=True)
    valid_from = columns.on(required=True)
    new_code = columns.text(required=True)
    valid_to = columns.on()
    observed_at = columns.at(required=True)


class Segments(dy.Schema):
    """One version of one segment; `rule` is JSON: {"where": a condition over customers}."""

    segment_id = columns.text(required=True)
    version = columns.count(required=True)
    name = columns.text(required=True)
    rule = columns.text(required=True)
    author = columns.text()
    at = columns.at(required=True)
    observed_at = columns.at(required=True)


class Overrides(dy.Schema):
    """One figure of the forecast set by hand: `new` units a week instead of `old`, within `scope` (JSON), until it
    expires; it counts once somebody else than its author has approved it."""

    override_id = columns.text(required=True)
    scope = columns.text(required=True)
    from_on = columns.on(required=True)
    to_on = columns.on(required=True)
    old = columns.number()
    new = columns.number(required=True, low=0)
    reason_code = columns.text()
    note = columns.text()
    author = columns.text()
    approved_by = columns.text()
    expires_at = columns.at()
    observed_at = columns.at(required=True)


class Decisions(dy.Schema):
    """One decision, what it was expected to bring, and what it brought."""

    decision_id = columns.text(required=True)
    kind = columns.text(required=True)
    subject = columns.text(required=True)
    author = columns.text()
    at = columns.at(required=True)
    expected_amount = columns.amount()
    basis = columns.text()
    realised_amount = columns.amount()
    currency = columns.currency()
    realised_at = columns.at()
    observed_at = columns.at(required=True)


class Entries(dy.Schema):
    """One change of one row of a form; `row`, `old` and `new` are JSON."""

    entry_id = columns.text(required=True)
    form = columns.text(required=True)
    row = columns.text(required=True)
    old = columns.text()
    new = columns.text()
    author = columns.text()
    approved_by = columns.text()
    at = columns.at(required=True)
    observed_at = columns.at(required=True)


PROMOTION_PLAN = Contract(
    "reference.promotion_plan",
    PromotionPlan,
    key=("promotion_id", "sku", "channel_id"),
    version="observed_at",
    event="observed_at",
    defaults=ALL_GOODS,
    flags={
        "ends_before_start": oddities.out_of_order("starts_on", "ends_on"),
        "presale_after_start": oddities.out_of_order("presale_from", "starts_on"),
        "negative_budget": oddities.negative("budget_amount"),
    },
)
CHANNEL_LIFE = Contract(
    "reference.channel_life",
    ChannelLife,
    key=("channel_id", "sku"),
    version="observed_at",
    event="observed_at",
    defaults=ALL_GOODS,
)
ITEM_POLICY = Contract(
    "reference.item_policy",
    ItemPolicy,
    key=("sku", "location_id"),
    version="observed_at",
    event="observed_at",
    defaults={"sku": "*", "location_id": "*"},
    flags={
        "negative_cost": oddities.negative("holding_cost", "backorder_cost"),
        "least_lot_above_most": oddities.above("lot_min_units", "lot_max_units"),
    },
)
TARGETS = Contract(
    "reference.targets",
    Targets,
    key=("version", "metric", "scope", "period"),
    version="observed_at",
    event="observed_at",
    defaults={"scope": "*"},
)
CODE_CROSSWALK = Contract(
    "reference.code_crosswalk",
    CodeCrosswalk,
    key=("kind", "old_code", "valid_from"),
    version="observed_at",
    event="observed_at",
    flags={"ends_before_start": oddities.out_of_order("valid_from", "valid_to")},
)
CONTRACTS = (
    PROMOTION_PLAN,
    CHANNEL_LIFE,
    ITEM_POLICY,
    TARGETS,
    CODE_CROSSWALK,
    learnt("customers.segments", Segments, ("segment_id", "version")),
    learnt("forecasting.overrides", Overrides, ("override_id",)),
    learnt("tillmill.decisions", Decisions, ("decision_id",)),
    learnt("tillmill.entries", Entries, ("entry_id",)),
)
