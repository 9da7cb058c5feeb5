"""Contracts of the member club: members and what they consent to, points, coupons, campaigns and touches."""

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


class Consents(dy.Schema):
    """One answer of one member for one purpose and medium; the latest answer holds.

    Nothing stands in for a purpose or medium the source leaves out: no consent is wider than what was said.
    """

    member_id = columns.text(required=True)
    purpose = columns.text(required=True)
    medium = columns.text(required=True)
    given_at = columns.at(required=True)
    is_granted = columns.flag(required=True)
    evidence = columns.text()
    observed_at = columns.at(required=True)


class Points(dy.Schema):
    """One booking of points, signed: earned above zero, spent or expired below; `unit_cost` is what one point costs."""

    entry_id = columns.text(required=True)
    member_id = columns.text()
    at = columns.at(required=True)
    points = columns.units(required=True)
    expires_on = columns.on()
    unit_cost = columns.amount()
    currency = columns.currency()
    reason = columns.text()
    sale_id = columns.text()
    observed_at = columns.at(required=True)


class Coupons(dy.Schema):
    """One coupon in one hand, from issue to use."""

    coupon_id = columns.text(required=True)
    member_id = columns.text()
    campaign_id = columns.text()
    shop_id = columns.text()
    sku_scope = columns.text()
    threshold_amount = columns.amount()
    currency = columns.currency()
    borne_by = columns.text()
    issued_at = columns.at()
    redeemed_at = columns.at()
    sale_id = columns.text()
    order_id = columns.text()
    status = columns.text()
    updated_at = columns.at(required=True)


class Touches(dy.Schema):
    """One message of one campaign to one member; a member held out has a touch that was never sent."""

    touch_id = columns.text(required=True)
    campaign_id = columns.text()
    member_id = columns.text()
    medium = columns.text()
    sent_at = columns.at()
    opened_at = columns.at()
    clicked_at = columns.at()
    is_holdout = columns.flag()
    updated_at = columns.at(required=True)


MEMBERS = Contract(
    "crm.members",
    Members,
    key=("member_id",),
    version="updated_at",
    event="updated_at",
    personal=("member_id", "name", "phone", "email", "union_id", "wecom_id"),
    vaulted=("member_id", "name", "phone", "email", "union_id", "wecom_id"),
    is_about_person=True,
)
CAMPAIGNS = Contract(
    "crm.campaigns",
    Campaigns,
    key=("campaign_id",),
    version="updated_at",
    event="updated_at",
    flags={"ends_before_start": oddities.out_of_order("starts_on", "ends_on")},
)
CONSENTS = Contract(
    "crm.consents",
    Consents,
    key=("member_id", "purpose", "medium", "given_at"),
    version="observed_at",
    event="given_at",
    personal=("member_id",),
    free_text=("evidence",),
)
POINTS = Contract(
    "crm.points",
    Points,
    key=("entry_id",),
    version="observed_at",
    event="at",
    personal=("member_id",),
    is_about_person=True,
    flags={
        "zero_points": oddities.zero("points"),
        "negative_cost": oddities.negative("unit_cost"),
    },
)
COUPONS = Contract(
    "crm.coupons",
    Coupons,
    key=("coupon_id",),
    version="updated_at",
    event="updated_at",
    personal=("member_id",),
    is_about_person=True,
    flags={
        "redeemed_before_issued": oddities.out_of_order("issued_at", "redeemed_at"),
        "negative_threshold": oddities.negative("threshold_amount"),
    },
)
TOUCHES = Contract(
    "crm.touches",
    Touches,
    key=("touch_id",),
    version="updated_at",
    event="updated_at",
    personal=("member_id",),
    is_about_person=True,
    flags={
        "opened_before_sent": oddities.out_of_order("sent_at", "opened_at"),
        "clicked_before_sent": oddities.out_of_order("sent_at", "clicked_at"),
        "sent_to_holdout": oddities.true("is_holdout") & ~oddities.missing("sent_at"),
    },
)
CONTRACTS = (MEMBERS, CONSENTS, POINTS, COUPONS, CAMPAIGNS, TOUCHES, controls("crm"))
