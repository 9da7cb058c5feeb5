"""Contracts of the till: stores and sale lines."""

from __future__ import annotations

import dataframely as dy

from ingestion.contracts import columns, oddities
from ingestion.contracts.contract import Contract
from ingestion.contracts.controls import controls

LINE_KINDS = ("sale", "return", "gift", "sample", "points", "adjustment")


class Stores(dy.Schema):
    """One store."""

    store_id = columns.text(required=True)
    name = columns.text()
    channel_id = columns.text()
    region = columns.text()
    city = columns.text()
    format = columns.text()
    retailer_id = columns.text()
    opened_on = columns.on()
    closed_on = columns.on()
    timezone = columns.text()
    updated_at = columns.at(required=True)


class SaleLines(dy.Schema):
    """One line of a till receipt; `net_amount` is what the source states, not our arithmetic.

    `is_tax_inclusive` says whether `net_amount` and `gross_amount` include `tax_amount`; where nobody says so they are
    taken as without, and tax is put on top: a till that prints prices with tax must say true.
    """

    sale_id = columns.text(required=True)
    line_no = columns.count(required=True)
    store_id = columns.text(required=True)
    till_id = columns.text()
    sold_at = columns.at(required=True)
    sku = columns.text(required=True)
    gtin = columns.text()
    line_kind = columns.text(required=True, one_of=LINE_KINDS)
    units = columns.units(required=True)
    unit_price = columns.amount()
    gross_amount = columns.amount()
    discount_amount = columns.amount()
    net_amount = columns.amount(required=True)
    tax_amount = columns.amount()
    is_tax_inclusive = columns.is_tax_inclusive()
    currency = columns.currency()
    member_id = columns.text()
    promotion_id = columns.text()
    original_sale_id = columns.text()
    platform_order_id = columns.text()
    observed_at = columns.at(required=True)


STORES = Contract("pos.stores", Stores, key=("store_id",), version="updated_at", event="updated_at")
SALE_LINES = Contract(
    "pos.sale_lines",
    SaleLines,
    key=("sale_id", "line_no"),
    version="observed_at",
    event="sold_at",
    personal=("member_id",),
    flags={
        "negative_without_return": oddities.negative_without_return(),
        "zero_units": oddities.zero("units"),
        "zero_price": oddities.zero("unit_price"),
        "bad_gtin": oddities.bad_gtin(),
        "case_gtin": oddities.case_gtin(),
    },
)
CONTRACTS = (STORES, SALE_LINES, controls("pos"))
