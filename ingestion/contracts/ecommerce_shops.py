"""Contracts of what the web shops are and offer: shops, listings, bundles, shipments, traffic."""

from __future__ import annotations

import dataframely as dy

from ingestion.contracts import columns, oddities
from ingestion.contracts.contract import Contract

OPERATING_MODES = ("flagship", "self_operated", "super", "distribution", "mini_program", "instant")


class Shops(dy.Schema):
    """One shop on one platform; a shop that is not `is_revenue` sells, but not for our account."""

    shop_id = columns.text(required=True)
    platform = columns.text()
    operating_mode = columns.text(one_of=OPERATING_MODES)
    channel_id = columns.text()
    is_revenue = columns.flag()
    settlement_days = columns.count()
    updated_at = columns.at(required=True)


class Listings(dy.Schema):
    """One variant of one listing, and the SKU behind it."""

    shop_id = columns.text(required=True)
    listing_id = columns.text(required=True)
    variant_id = columns.text(required=True)
    merchant_code = columns.text()
    sku = columns.text()
    title = columns.text()
    gtin = columns.text()
    list_price = columns.amount()
    currency = columns.currency()
    is_active = columns.flag()
    updated_at = columns.at(required=True)


class Bundles(dy.Schema):
    """One component of one listing sold as a bundle, from a date on."""

    shop_id = columns.text(required=True)
    listing_id = columns.text(required=True)
    variant_id = columns.text(required=True)
    component_sku = columns.text(required=True)
    valid_from = columns.on(required=True)
    units = columns.units(required=True, negative=False)
    revenue_share_rate = columns.rate()
    valid_to = columns.on()
    observed_at = columns.at(required=True)


class Shipments(dy.Schema):
    """One line of a parcel."""

    shipment_id = columns.text(required=True)
    line_no = columns.count(required=True)
    order_id = columns.text()
    sku = columns.text(required=True)
    lot_id = columns.text(required=True)
    units = columns.units(required=True)
    location_id = columns.text()
    carrier = columns.text()
    shipped_at = columns.at()
    delivered_at = columns.at()
    freight_amount = columns.amount()
    currency = columns.currency()
    updated_at = columns.at(required=True)


class Traffic(dy.Schema):
    """Who looked at one listing on one business date, by where they came from; people are counted once each."""

    shop_id = columns.text(required=True)
    listing_id = columns.text(required=True)
    on = columns.on(required=True)
    source = columns.text(required=True)
    visitors = columns.count()
    views = columns.count()
    cart_users = columns.count()
    buyers = columns.count()
    observed_at = columns.at(required=True)


SHOPS = Contract("ecommerce.shops", Shops, key=("shop_id",), version="updated_at", event="updated_at")
LISTINGS = Contract(
    "ecommerce.listings",
    Listings,
    key=("shop_id", "listing_id", "variant_id"),
    version="updated_at",
    event="updated_at",
    defaults={"variant_id": "-"},
    flags={"bad_gtin": oddities.bad_gtin(), "zero_price": oddities.zero("list_price")},
)
BUNDLES = Contract(
    "ecommerce.bundles",
    Bundles,
    key=("shop_id", "listing_id", "variant_id", "component_sku", "valid_from"),
    version="observed_at",
    event="observed_at",
    defaults={"variant_id": "-"},
    flags={
        "zero_units": oddities.zero("units"),
        "ends_before_start": oddities.out_of_order("valid_from", "valid_to"),
    },
)
SHIPMENTS = Contract(
    "ecommerce.shipments",
    Shipments,
    key=("shipment_id", "line_no"),
    version="updated_at",
    event="updated_at",
    defaults={"lot_id": "-"},
    flags={
        "zero_units": oddities.zero("units"),
        "negative_units": oddities.negative("units"),
        "negative_freight": oddities.negative("freight_amount"),
        "delivered_before_shipped": oddities.out_of_order("shipped_at", "delivered_at"),
    },
)
TRAFFIC = Contract(
    "ecommerce.traffic",
    Traffic,
    key=("shop_id", "listing_id", "on", "source"),
    version="observed_at",
    event="on",
    defaults={"listing_id": "*", "source": "*"},
    flags={
        "more_visitors_than_views": oddities.above("visitors", "views"),
        "more_buyers_than_visitors": oddities.above("buyers", "visitors"),
    },
)
CONTRACTS = (SHOPS, LISTINGS, BUNDLES, SHIPMENTS, TRAFFIC)
