"""Contract of the lines' own counters and measurements."""

from __future__ import annotations

import dataframely as dy

from ingestion.contracts import columns
from ingestion.contracts.contract import Contract


class Readings(dy.Schema):
    """One tag of one device at one moment of the device's own clock.

    `quality` is `good` or says why there is no value (`exception_2`, `silent`, `implausible`); a bad reading has no
    value, never zero. `counter_raw` is the register as it stood, `counter_bits` the width at which it starts again
    from zero.
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
    observed_at = columns.at(required=True)


READINGS = Contract(
    "scada.readings", Readings, key=("device_id", "tag", "read_at"), version="observed_at", event="read_at"
)
CONTRACTS = (READINGS,)
