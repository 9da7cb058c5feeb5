"""Contract of what key-account retailers tell us of their own sales: aggregates, never receipts."""

from __future__ import annotations

import dataframely as dy

from ingestion.contracts import columns, oddities
from ingestion.contracts.contract import Contract
from ingestion.contracts.controls import controls


class SellOut(dy.Schema):
    """What one store of a retailer sold of one SKU on one business date, and what it still held."""

    retailer_id = columns.text(required=True)
    store_code = columns.text(required=True)
    sku = columns.text(required=True)
    on = columns.on(required=True)
    units = columns.units(required=True)
    amount = columns.amount()
    currency = columns.currency()
    on_hand_units = columns.units()
    is_listed = columns.flag()
    updated_at = columns.at(required=True)


SELL_OUT = Contract(
    "retail.sell_out",
    SellOut,
    key=("retailer_id", "store_code", "sku", "on"),
    version="updated_at",
    event="on",
    defaults={"store_code": "*"},
    flags={
        "negative_units": oddities.negative("units"),
        "negative_stock": oddities.negative("on_hand_units"),
        # Sold units for nothing: a free listing campaign, or an amount that the portal leaves out.
        "zero_price": oddities.zero("amount") & ~oddities.zero("units"),
    },
)
CONTRACTS = (SELL_OUT, controls("retail"))
