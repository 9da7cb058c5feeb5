"""Contracts of the warehouses: locations, counted stock, movements."""

from __future__ import annotations

import dataframely as dy

from ingestion.contracts import columns, oddities
from ingestion.contracts.contract import Contract
from ingestion.contracts.controls import controls

LOCATION_KINDS = ("plant", "dc", "platform", "third_party", "distributor", "store")
OWNERS = ("brand", "consigned", "sold")
REFERENCE_KINDS = ("order", "delivery", "work_order", "transfer", "count")
QUALITIES = ("good", "defective", "damaged", "in_transit", "on_hold")


class Locations(dy.Schema):
    """One place that holds stock."""

    location_id = columns.text(required=True)
    kind = columns.text(one_of=LOCATION_KINDS)
    plant_id = columns.text()
    owner = columns.text(one_of=OWNERS)
    region = columns.text()
    timezone = columns.text()
    updated_at = columns.at(required=True)


class Stock(dy.Schema):
    """What one place held of one lot at the close of business date `as_of`."""

    location_id = columns.text(required=True)
    sku = columns.text(required=True)
    lot_id = columns.text(required=True)
    quality = columns.text(required=True, one_of=QUALITIES)
    owner_id = columns.text(required=True)
    as_of = columns.on(required=True)
    on_hand_units = columns.units(required=True)
    reserved_units = columns.units()
    produced_on = columns.on()
    expiry_on = columns.on()
    observed_at = columns.at(required=True)


class Movements(dy.Schema):
    """One booking of stock in, out or across."""

    movement_id = columns.text(required=True)
    location_id = columns.text(required=True)
    sku = columns.text(required=True)
    lot_id = columns.text(required=True)
    kind = columns.text(required=True)
    units = columns.units(required=True)
    reference_kind = columns.text(one_of=REFERENCE_KINDS)
    reference_id = columns.text()
    to_location_id = columns.text()
    moved_at = columns.at(required=True)
    observed_at = columns.at(required=True)


LOCATIONS = Contract("wms.locations", Locations, key=("location_id",), version="updated_at", event="updated_at")
STOCK = Contract(
    "wms.stock",
    Stock,
    key=("location_id", "sku", "lot_id", "quality", "owner_id", "as_of"),
    version="observed_at",
    event="as_of",
    defaults={"lot_id": "-", "owner_id": "-", "quality": "good"},
    flags={
        "negative_stock": oddities.negative("on_hand_units"),
        "reserved_above_on_hand": oddities.above("reserved_units", "on_hand_units"),
        "expires_before_produced": oddities.out_of_order("produced_on", "expiry_on"),
    },
)
MOVEMENTS = Contract(
    "wms.movements",
    Movements,
    key=("movement_id",),
    version="observed_at",
    event="moved_at",
    defaults={"lot_id": "-"},
    flags={"zero_units": oddities.zero("units")},
)
CONTRACTS = (LOCATIONS, STOCK, MOVEMENTS, controls("wms"))
