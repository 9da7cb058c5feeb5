"""Contract of paid advertising."""

from __future__ import annotations

import dataframely as dy

from ingestion.contracts import columns, oddities
from ingestion.contracts.contract import Contract
from ingestion.contracts.controls import controls


class Daily(dy.Schema):
    """What one campaign cost on one business date, and what the platform says it brought within `window_days`."""

    platform = columns.text(required=True)
    campaign_id = columns.text(required=True)
    on = columns.on(required=True)
    shop_id = columns.text()
    sku_scope = columns.text()
    cash_amount = columns.amount(required=True)
    impressions = columns.count()
    clicks = columns.count()
    attributed_orders = columns.count()
    attributed_amount = columns.amount()
    currency = columns.currency()
    window_days = columns.count()
    observed_at = columns.at(required=True)


DAILY = Contract(
    "ads.daily",
    Daily,
    key=("platform", "campaign_id", "on"),
    version="observed_at",
    event="on",
    flags={
        "negative_cost": oddities.negative("cash_amount"),
        "more_clicks_than_impressions": oddities.above("clicks", "impressions"),
    },
)
CONTRACTS = (DAILY, controls("ads"))
