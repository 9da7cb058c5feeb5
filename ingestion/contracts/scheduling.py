"""Contract of the production scheduler's answers to the orders it was sent."""

from __future__ import annotations

import dataframely as dy

from ingestion.contracts import columns, oddities
from ingestion.contracts.contract import Contract
from ingestion.contracts.controls import controls


class Acknowledgements(dy.Schema):
    """One answer to one version of one order, in the business object document `bod_id`."""

    bod_id = columns.text(required=True)
    order_id = columns.text(required=True)
    version = columns.count(required=True)
    verdict = columns.text(required=True)
    confirmed_units = columns.units()
    confirmed_end_at = columns.at()
    reason = columns.text()
    received_at = columns.at(required=True)
    observed_at = columns.at(required=True)


ACKNOWLEDGEMENTS = Contract(
    "scheduling.acknowledgements",
    Acknowledgements,
    key=("bod_id", "order_id", "version"),
    version="observed_at",
    event="received_at",
    free_text=("reason",),
    flags={"negative_units": oddities.negative("confirmed_units")},
)
CONTRACTS = (ACKNOWLEDGEMENTS, controls("scheduling"))
