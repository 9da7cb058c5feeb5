"""Contracts of the lines: their own counters and measurements, and their alarms."""

from __future__ import annotations

import dataframely as dy

from ingestion.contracts import columns, oddities
from ingestion.contracts.contract import Contract
from ingestion.contracts.controls import controls


class Readings(dy.Schema):
    """One tag of one device at one moment of the device's own clock.

    `quality` is `good` or says why there is no value (`exception_2`, `silent`, `implausible`); a bad reading has no
    value, never zero. `counter_raw` is the register as it stood, `counter_bits` the width at which it starts again
    from zero, `max_per_second` the most it can count in a second, where its map says so.
    """

    device_id = columns.text(required=True)
    tag = columns.text(required=True)
    read_at = columns.at(required=True)
    value = columns.number()
    text = columns.text()
    unit = columns.text()
    quality = columns.text(required=True)
    counter_raw = columns.count()
    counter_bits = columns.count()
    max_per_second = columns.number(low=0)
    observed_at = columns.at(required=True)


class Events(dy.Schema):
    """One alarm or message of one device, from its start until it is over."""

    device_id = columns.text(required=True)
    event_id = columns.text(required=True)
    line_id = columns.text()
    kind = columns.text()
    severity = columns.text()
    message = columns.text()
    started_at = columns.at(required=True)
    acknowledged_at = columns.at()
    ended_at = columns.at()
    updated_at = columns.at(required=True)


READINGS = Contract(
    "scada.readings", Readings, key=("device_id", "tag", "read_at"), version="observed_at", event="read_at"
)
EVENTS = Contract(
    "scada.events",
    Events,
    key=("device_id", "event_id"),
    version="updated_at",
    event="updated_at",
    flags={
        "acknowledged_before_start": oddities.out_of_order("started_at", "acknowledged_at"),
        "ends_before_start": oddities.out_of_order("started_at", "ended_at"),
    },
)
CONTRACTS = (READINGS, EVENTS, controls("scada"))
