"""Contracts of the distributors: who they are, what they hold, what they bought and sold on."""

from __future__ import annotations

import dataframely as dy

from ingestion.contracts import columns, oddities
from ingestion.contracts.contract import Contract
from ingestion.contracts.controls import controls

MOVEMENT_KINDS = ("purchase", "sale", "return", "write_off")


class Partners(dy.Schema):
    """One distributor, under the one it buys from."""

    distributor_id = columns.text(required=True)
    parent_id = columns.text()
    tier = columns.text()
    territory = columns.text()
    price_group = columns.text()
    valid_from = columns.on()
    valid_to = columns.on()
    observed_at = columns.at(required=True)


class Stock(dy.Schema):
    """What one distributor said it held of one lot on a business date; `evidence` is how it knows."""

    distributor_id = columns.text(required=True)
    sku = columns.text(required=True)
    lot_id = columns.text(required=True)
    as_of = columns.on(required=True)
    on_hand_units = columns.units(required=True)
    in_transit_units = columns.units()
    expiry_on = columns.on()
    evidence = columns.text()
    observed_at = columns.at(required=True)


class Movements(dy.Schema):
    """One booking of one distributor; units are positive, the kind says which way they go."""

    entry_id = columns.text(required=True)
    distributor_id = columns.text(required=True)
    sku = columns.text(required=True)
    lot_id = columns.text(required=True)
    kind = columns.text(required=True, one_of=MOVEMENT_KINDS)
    units = columns.units(required=True)
    outlet_id = columns.text()
    at = columns.at(required=True)
    observed_at = columns.at(required=True)


PARTNERS = Contract(
    "distributor.partners",
    Partners,
    key=("distributor_id",),
    version="observed_at",
    event="observed_at",
    flags={
        "own_parent": oddities.equal("distributor_id", "parent_id"),
        "ends_before_start": oddities.out_of_order("valid_from", "valid_to"),
    },
)
STOCK = Contract(
    "distributor.stock",
    Stock,
    key=("distributor_id", "sku", "lot_id", "as_of"),
    version="observed_at",
    event="as_of",
    defaults={"lot_id": "-"},
    free_text=("evidence",),
    flags={"negative_stock": oddities.negative("on_hand_units", "in_transit_units")},
)
MOVEMENTS = Contract(
    "distributor.movements",
    Movements,
    key=("entry_id",),
    version="observed_at",
    event="at",
    defaults={"lot_id": "-"},
    flags={"zero_units": oddities.zero("units"), "negative_units": oddities.negative("units")},
)
CONTRACTS = (PARTNERS, STOCK, MOVEMENTS, controls("distributor"))
