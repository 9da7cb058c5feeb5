"""Contracts of the ERP's master data and production: items, their units, production orders, rates, costs."""

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


class ExchangeRates(dy.Schema):
    """What one unit of a currency was worth in the workspace's currency on one business date."""

    currency = columns.currency()
    on = columns.on(required=True)
    rate = columns.factor(required=True)
    observed_at = columns.at(required=True)


class Costs(dy.Schema):
    """What selling costs from a date on: a share of net sales (`rate`), an amount per order, or both."""

    channel_id = columns.text(required=True)
    shop_id = columns.text(required=True)
    category = columns.text(required=True)
    cost_kind = columns.text(required=True)
    valid_from = columns.on(required=True)
    rate = columns.rate()
    amount_per_order = columns.amount()
    currency = columns.currency()
    observed_at = columns.at(required=True)


ITEMS = Contract(
    "erp.items",
    Items,
    key=("sku",),
    version="updated_at",
    event="updated_at",
    flags={
        "bad_gtin": oddities.bad_gtin(),
        "zero_price": oddities.zero("list_price"),
        "unknown_unit": oddities.unknown_unit("base_unit"),
        "ends_before_start": oddities.out_of_order("launched_on", "retired_on"),
    },
)
ITEM_UNITS = Contract(
    "erp.item_units",
    ItemUnits,
    key=("sku", "unit"),
    version="observed_at",
    event="observed_at",
    flags={
        "bad_gtin": oddities.bad_gtin(),
        "zero_units": oddities.zero("base_units"),
        "unknown_unit": oddities.unknown_unit("unit"),
    },
)
PRODUCTION_ORDERS = Contract(
    "erp.production_orders",
    ProductionOrders,
    key=("order_id",),
    version="updated_at",
    event="updated_at",
    flags={"zero_units": oddities.zero("ordered_units"), "negative_units": oddities.negative("ordered_units")},
)
EXCHANGE_RATES = Contract(
    "erp.exchange_rates", ExchangeRates, key=("currency", "on"), version="observed_at", event="on"
)
COSTS = Contract(
    "erp.costs",
    Costs,
    key=("channel_id", "shop_id", "category", "cost_kind", "valid_from"),
    version="observed_at",
    event="observed_at",
    defaults={"channel_id": "*", "shop_id": "*", "category": "*"},
    flags={"negative_cost": oddities.negative("amount_per_order")},
)
CONTRACTS = (ITEMS, ITEM_UNITS, PRODUCTION_ORDERS, EXCHANGE_RATES, COSTS, controls("erp"))
