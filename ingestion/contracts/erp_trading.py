"""Contracts of the ERP's trade: sales orders, deliveries, invoices, purchase orders."""

from __future__ import annotations

import dataframely as dy

from ingestion.contracts import columns, oddities
from ingestion.contracts.contract import Contract

INVOICE_KINDS = ("blue", "red")


class SalesOrders(dy.Schema):
    """One line of an order that a trade account placed with us; `price_amount` is the price of one base unit."""

    so_id = columns.text(required=True)
    line_no = columns.count(required=True)
    trade_account_id = columns.text()
    channel_id = columns.text()
    sku = columns.text(required=True)
    ordered_units = columns.units(required=True)
    price_amount = columns.amount()
    currency = columns.currency()
    requested_on = columns.on()
    promised_on = columns.on()
    shipped_units = columns.units()
    status = columns.text()
    updated_at = columns.at(required=True)


class Deliveries(dy.Schema):
    """One line of a delivery to a trade account, and what the account says it received."""

    delivery_id = columns.text(required=True)
    line_no = columns.count(required=True)
    so_id = columns.text()
    so_line_no = columns.count()
    sku = columns.text(required=True)
    lot_id = columns.text(required=True)
    shipped_units = columns.units(required=True)
    shipped_at = columns.at()
    received_units = columns.units()
    received_at = columns.at()
    observed_at = columns.at(required=True)


class Invoices(dy.Schema):
    """One line of a tax invoice; a red one takes back what the blue one named by `reference_id` charged."""

    invoice_id = columns.text(required=True)
    line_no = columns.count(required=True)
    kind = columns.text(required=True, one_of=INVOICE_KINDS)
    reference_id = columns.text()
    sku = columns.text()
    units = columns.units()
    net_amount = columns.amount(required=True)
    tax_rate = columns.rate()
    tax_amount = columns.amount()
    currency = columns.currency()
    issued_on = columns.on()
    observed_at = columns.at(required=True)


class PurchaseOrders(dy.Schema):
    """One line of an order that we placed with a supplier."""

    po_id = columns.text(required=True)
    line_no = columns.count(required=True)
    supplier_id = columns.text()
    sku = columns.text(required=True)
    location_id = columns.text()
    ordered_units = columns.units(required=True)
    due_on = columns.on()
    received_units = columns.units()
    status = columns.text()
    updated_at = columns.at(required=True)


SALES_ORDERS = Contract(
    "erp.sales_orders",
    SalesOrders,
    key=("so_id", "line_no"),
    version="updated_at",
    event="updated_at",
    flags={
        "zero_units": oddities.zero("ordered_units"),
        "negative_units": oddities.negative("ordered_units", "shipped_units"),
        "zero_price": oddities.zero("price_amount"),
        "shipped_above_ordered": oddities.above("shipped_units", "ordered_units"),
    },
)
DELIVERIES = Contract(
    "erp.deliveries",
    Deliveries,
    key=("delivery_id", "line_no"),
    version="observed_at",
    event="shipped_at",
    defaults={"lot_id": "-"},
    flags={
        "zero_units": oddities.zero("shipped_units"),
        "negative_units": oddities.negative("shipped_units", "received_units"),
        "received_above_shipped": oddities.above("received_units", "shipped_units"),
        "delivered_before_shipped": oddities.out_of_order("shipped_at", "received_at"),
    },
)
INVOICES = Contract(
    "erp.invoices",
    Invoices,
    key=("invoice_id", "line_no"),
    version="observed_at",
    event="issued_on",
    flags={
        "negative_blue": oddities.negative("net_amount") & oddities.is_kind("blue"),
        "positive_red": oddities.positive("net_amount") & oddities.is_kind("red"),
        "red_without_reference": oddities.is_kind("red") & oddities.missing("reference_id"),
        "zero_amount": oddities.zero("net_amount"),
    },
)
PURCHASE_ORDERS = Contract(
    "erp.purchase_orders",
    PurchaseOrders,
    key=("po_id", "line_no"),
    version="updated_at",
    event="updated_at",
    flags={
        "zero_units": oddities.zero("ordered_units"),
        "negative_units": oddities.negative("ordered_units", "received_units"),
        "received_above_ordered": oddities.above("received_units", "ordered_units"),
    },
)
CONTRACTS = (SALES_ORDERS, DELIVERIES, INVOICES, PURCHASE_ORDERS)
