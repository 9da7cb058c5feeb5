"""Contracts of the member club: members and campaigns."""

from __future__ import annotations

import dataframely as dy

from ingestion.contracts import columns, oddities
from ingestion.contracts.contract import Contract
from ingestion.contracts.controls import controls


class Members(dy.Schema):
    """One member; nothing that names a person lands in clear."""

    member_id = columns.text(required=True)
    name = columns.text()
    phone = columns.text()
    email = columns.text()
    union_id = columns.text()
    wecom_id = columns.text()
    birth_year = columns.count()
    gender = columns.text()
    city = columns.text()
    tier = columns.text()
    source = columns.text()
    joined_at = columns.at()
    status = columns.text()
    updated_at = columns.at(required=True)


class Campaigns(dy.Schema):
    """One campaign."""

    campaign_id = columns.text(required=True)
    name = columns.text()
    kind = columns.text()
    starts_on = columns.on()
    ends_on = columns.on()
    cost_amount = columns.amount()
    currency = columns.currency()
    updated_at = columns.at(required=True)


MEMBERS = Contract(
    "crm.members",
    Members,
    key=("member_id",),
    version="updated_at",
    event="updated_at",
    personal=("member_id", "name", "phone", "email", "union_id", "wecom_id"),
    vaulted=("member_id", "name", "phone", "email", "union_id", "wecom_id"),
)
CAMPAIGNS = Contract(
    "crm.campaigns",
    Campaigns,
    key=("campaign_id",),
    version="updated_at",
    event="updated_at",
    flags={"ends_before_start": oddities.ends_before_start("starts_on", "ends_on")},
)
CONTRACTS = (MEMBERS, CAMPAIGNS, controls("crm"))
