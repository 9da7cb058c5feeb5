"""Contracts of the ERP: items, their units, production orders."""

from __future__ import annotations

import dataframely as dy

from ingestion.contracts import columns, oddities
from ingestion.contracts.contract import Contract
from ingestion.contracts.controls import controls


class Items(dy.Schema):
    """One SKU of the item master."""

    sku = columns.text(required=True)
    name = columns.text()
    gtin = columns.text()
    brand = columns.text()
    category = columns.text()
    subcategory = columns.text()
    base_unit = columns.text()
    standard_cost = columns.amount()
    list_price = columns.amount()
    tax_rate = columns.rate()
    currency = columns.currency()
    shelf_life_days = columns.count()
    storage = columns.text()
    is_gift = columns.flag()
    is_bundle = columns.flag()
    launched_on = columns.on()
    retired_on = columns.on()
    updated_at = columns.at(required=True)


class ItemUnits(dy.Schema):
    """One pack of a SKU; `base_units` is how many base units it holds."""

    sku = columns.text(required=True)
    unit = columns.text(required=True)
    base_units = columns.units(required=True, negative=False)
    gtin = columns.text()
    weight_kg = columns.number(low=0)
    volume_m3 = columns.number(low=0)
    pallet_units = columns.units(negative=False)
    observed_at = columns.at(required=True)


class ProductionOrders(dy.Schema):
    """One order to make a SKU in a plant."""

    order_id = columns.text(required=True)
    sku = columns.text(required=True)
    plant_id = columns.text()
    ordered_units = columns.units(required=True)
    due_on = columns.on()
    status = columns.text()
    updated_at = columns.at(required=True)


ITEMS = Contract(
    "erp.items",
    Items,
    key=("sku",),
    version="updated_at",
    event="updated_at",
    flags={
        "bad_gtin": oddities.bad_gtin(),
        "zero_price": oddities.zero("list_price"),
        "ends_before_start": oddities.ends_before_start("launched_on", "retired_on"),
    },
)
ITEM_UNITS = Contract(
    "erp.item_units",
    ItemUnits,
    key=("sku", "unit"),
    version="observed_at",
    event="observed_at",
    flags={"bad_gtin": oddities.bad_gtin(), "zero_units": oddities.zero("base_units")},
)
PRODUCTION_ORDERS = Contract(
    "erp.production_orders",
    ProductionOrders,
    key=("order_id",),
    version="updated_at",
    event="updated_at",
    flags={"zero_units": oddities.zero("ordered_units"), "negative_units": oddities.negative("ordered_units")},
)
CONTRACTS = (ITEMS, ITEM_UNITS, PRODUCTION_ORDERS, controls("erp"))
