"""Contracts of what the web shops sell: orders, their lines, discounts by who pays them, refunds."""

from __future__ import annotations

import dataframely as dy

from ingestion.contracts import columns, oddities
from ingestion.contracts.contract import Contract
from ingestion.contracts.controls import controls

ORDER_TYPES = ("normal", "presale", "sample", "resend", "exchange")
LINE_KINDS = ("sale", "gift", "bundle", "component")
DISCOUNT_KINDS = (
    "item_price",
    "threshold",
    "shop_coupon",
    "platform_coupon",
    "red_packet",
    "points",
    "member",
    "payment",
)
PAYERS = ("brand", "platform", "influencer", "distributor", "payment")
REFUND_KINDS = ("before_shipment", "refund_only", "return_refund", "exchange", "compensation")


class Orders(dy.Schema):
    """One order of one shop; a buyer's codes are known within their own scope (shop, brand) only."""

    shop_id = columns.text(required=True)
    order_id = columns.text(required=True)
    platform_order_id = columns.text()
    order_type = columns.text(required=True, one_of=ORDER_TYPES)
    placed_at = columns.at(required=True)
    paid_at = columns.at(missing="not paid: the order is not counted")
    completed_at = columns.at()
    cancelled_at = columns.at()
    status = columns.text()
    buyer_shop_uid = columns.text()
    buyer_brand_uid = columns.text()
    buyer_phone = columns.text()
    is_virtual_phone = columns.flag()
    buyer_email = columns.text()
    buyer_open_id = columns.text()
    buyer_name = columns.text()
    ship_region = columns.text()
    ship_address = columns.text()
    ship_from_location_id = columns.text()
    author_id = columns.text()
    room_id = columns.text()
    deposit_amount = columns.amount()
    deposit_paid_at = columns.at()
    balance_paid_at = columns.at()
    presale_state = columns.text()
    shipping_amount = columns.amount()
    total_amount = columns.amount()
    currency = columns.currency()
    is_suspect = columns.flag()
    suspect_rule = columns.text()
    updated_at = columns.at(required=True)


class OrderLines(dy.Schema):
    """One line of an order; a bundle's components point to it by `parent_line_no`.

    `is_tax_inclusive` says whether `list_amount` and `paid_amount` include tax; where nobody says so they are taken as
    without, and the tax of `tax_rate` is put on top: a shop that shows prices with tax must say true.
    """

    shop_id = columns.text(required=True)
    order_id = columns.text(required=True)
    line_no = columns.count(required=True)
    parent_line_no = columns.count()
    line_kind = columns.text(required=True, one_of=LINE_KINDS)
    listing_id = columns.text()
    variant_id = columns.text()
    sku = columns.text(required=True)
    units = columns.units(required=True)
    list_amount = columns.amount()
    paid_amount = columns.amount(required=True)
    currency = columns.currency()
    tax_rate = columns.rate(missing="no tax")
    is_tax_inclusive = columns.is_tax_inclusive()
    promotion_id = columns.text()
    updated_at = columns.at(required=True)


class Discounts(dy.Schema):
    """One discount on one line, or on a whole order where `line_no` is 0; together they are the line's discount."""

    shop_id = columns.text(required=True)
    order_id = columns.text(required=True)
    line_no = columns.count(required=True)
    seq = columns.count(required=True)
    kind = columns.text(required=True, one_of=DISCOUNT_KINDS)
    promotion_id = columns.text()
    coupon_id = columns.text()
    amount = columns.amount(required=True)
    currency = columns.currency()
    borne_by = columns.text(required=True, one_of=PAYERS)
    observed_at = columns.at(required=True)


class Refunds(dy.Schema):
    """One refund; only completed ones cut sales."""

    shop_id = columns.text(required=True)
    refund_id = columns.text(required=True)
    order_id = columns.text(required=True)
    line_no = columns.count()
    kind = columns.text(required=True, one_of=REFUND_KINDS)
    status = columns.text()
    borne_by = columns.text()
    units = columns.units()
    amount = columns.amount(required=True)
    currency = columns.currency()
    reason = columns.text()
    applied_at = columns.at()
    refunded_at = columns.at()
    goods_received_at = columns.at()
    updated_at = columns.at(required=True)


ORDERS = Contract(
    "ecommerce.orders",
    Orders,
    key=("shop_id", "order_id"),
    version="updated_at",
    event="updated_at",
    personal=(
        "buyer_shop_uid",
        "buyer_brand_uid",
        "buyer_phone",
        "buyer_email",
        "buyer_open_id",
        "buyer_name",
        "ship_address",
    ),
    vaulted=("buyer_phone", "buyer_email", "buyer_open_id", "buyer_name", "ship_address"),
    defaults={"order_type": "normal"},
    flags={
        "negative_total": oddities.negative("total_amount"),
        "paid_before_placed": oddities.out_of_order("placed_at", "paid_at"),
        "balance_before_deposit": oddities.out_of_order("deposit_paid_at", "balance_paid_at"),
        "completed_before_paid": oddities.out_of_order("paid_at", "completed_at"),
    },
)
ORDER_LINES = Contract(
    "ecommerce.order_lines",
    OrderLines,
    key=("shop_id", "order_id", "line_no"),
    version="updated_at",
    event="updated_at",
    # Shops send an order's lines inside the order, buyer and all.
    may_carry=True,
    defaults={"line_kind": "sale"},
    flags={
        "negative_without_return": oddities.negative("units"),
        "zero_units": oddities.zero("units"),
        "zero_price": oddities.zero("paid_amount"),
    },
)
DISCOUNTS = Contract(
    "ecommerce.discounts",
    Discounts,
    key=("shop_id", "order_id", "line_no", "seq"),
    version="observed_at",
    event="observed_at",
    defaults={"line_no": 0},
    flags={"negative_discount": oddities.negative("amount"), "zero_amount": oddities.zero("amount")},
)
REFUNDS = Contract(
    "ecommerce.refunds",
    Refunds,
    key=("shop_id", "refund_id"),
    version="updated_at",
    event="updated_at",
    free_text=("reason",),
    flags={
        "negative_refund": oddities.negative("amount"),
        "negative_units": oddities.negative("units"),
        "refunded_before_applied": oddities.out_of_order("applied_at", "refunded_at"),
        # It cuts no sale, for nobody knows of which day.
        "completed_without_date": oddities.is_status("completed") & oddities.missing("refunded_at"),
    },
)
CONTRACTS = (ORDERS, ORDER_LINES, DISCOUNTS, REFUNDS, controls("ecommerce"))
