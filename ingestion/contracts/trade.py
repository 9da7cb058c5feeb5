"""Contracts of trade marketing: promotions, and which SKU stood on display or in the mailer where and when."""

from __future__ import annotations

import dataframely as dy

from ingestion.contracts import columns, oddities
from ingestion.contracts.contract import Contract
from ingestion.contracts.controls import controls


class Promotions(dy.Schema):
    """One promotion."""

    promotion_id = columns.text(required=True)
    kind = columns.text()
    mechanic = columns.text()
    starts_on = columns.on()
    ends_on = columns.on()
    depth_rate = columns.rate()
    media_amount = columns.amount()
    currency = columns.currency()
    updated_at = columns.at(required=True)


class Placements(dy.Schema):
    """One SKU in one store in one week (its Monday): the codes of its display and its place in the mailer."""

    promotion_id = columns.text(required=True)
    sku = columns.text(required=True)
    store_id = columns.text(required=True)
    week_on = columns.on(required=True)
    display = columns.text()
    mailer = columns.text()
    observed_at = columns.at(required=True)


PROMOTIONS = Contract(
    "trade.promotions",
    Promotions,
    key=("promotion_id",),
    version="updated_at",
    event="updated_at",
    flags={"ends_before_start": oddities.out_of_order("starts_on", "ends_on")},
)
PLACEMENTS = Contract(
    "trade.placements",
    Placements,
    key=("promotion_id", "sku", "store_id", "week_on"),
    version="observed_at",
    event="week_on",
    defaults={"promotion_id": "-"},
)
CONTRACTS = (PROMOTIONS, PLACEMENTS, controls("trade"))
