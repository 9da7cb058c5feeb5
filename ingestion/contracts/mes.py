"""Contracts of manufacturing execution: work orders, results, lots used, checks, routings, changeovers, calendars."""

from __future__ import annotations

import dataframely as dy

from ingestion.contracts import columns, oddities
from ingestion.contracts.contract import Contract
from ingestion.contracts.controls import controls


class WorkOrders(dy.Schema):
    """One work order on a line."""

    work_order_id = columns.text(required=True)
    order_id = columns.text()
    sku = columns.text(required=True)
    plant_id = columns.text()
    line_id = columns.text()
    planned_units = columns.units(required=True)
    planned_start_at = columns.at()
    planned_end_at = columns.at()
    status = columns.text()
    updated_at = columns.at(required=True)


class Results(dy.Schema):
    """What one work order made in one shift."""

    result_id = columns.text(required=True)
    work_order_id = columns.text(required=True)
    line_id = columns.text(required=True)
    shift_id = columns.text()
    sku = columns.text(required=True)
    lot_id = columns.text(required=True)
    good_units = columns.units(required=True)
    scrap_units = columns.units()
    rework_units = columns.units()
    scrap_reason = columns.text()
    started_at = columns.at(required=True)
    ended_at = columns.at()
    updated_at = columns.at(required=True)


class Consumption(dy.Schema):
    """How much of one component lot went into one output lot."""

    work_order_id = columns.text(required=True)
    component_lot_id = columns.text(required=True)
    output_lot_id = columns.text(required=True)
    component_sku = columns.text(required=True)
    units = columns.units(required=True)
    at = columns.at()
    observed_at = columns.at(required=True)


class Quality(dy.Schema):
    """One check of one characteristic; `lower` and `upper` are the limits of what passes."""

    check_id = columns.text(required=True)
    work_order_id = columns.text()
    lot_id = columns.text(required=True)
    characteristic = columns.text(required=True)
    subgroup = columns.text()
    value = columns.number()
    lower = columns.number()
    upper = columns.number()
    is_pass = columns.flag()
    disposition = columns.text()
    checked_at = columns.at(required=True)
    updated_at = columns.at(required=True)


class Routings(dy.Schema):
    """How fast one line makes one SKU."""

    sku = columns.text(required=True)
    line_id = columns.text(required=True)
    units_per_hour = columns.number(required=True, low=0)
    ideal_units_per_hour = columns.number(low=0)
    setup_minutes = columns.number(low=0)
    setup_family = columns.text()
    min_run_units = columns.units(negative=False)
    observed_at = columns.at(required=True)


class Changeovers(dy.Schema):
    """Minutes to change one line from one set-up family to another."""

    line_id = columns.text(required=True)
    from_family = columns.text(required=True)
    to_family = columns.text(required=True)
    minutes = columns.number(required=True, low=0)
    observed_at = columns.at(required=True)


class Calendars(dy.Schema):
    """One shift, or one stop, of one line."""

    line_id = columns.text(required=True)
    starts_at = columns.at(required=True)
    ends_at = columns.at(required=True)
    available_minutes = columns.number(required=True, low=0)
    reason = columns.text()
    observed_at = columns.at(required=True)


WORK_ORDERS = Contract(
    "mes.work_orders",
    WorkOrders,
    key=("work_order_id",),
    version="updated_at",
    event="updated_at",
    flags={
        "zero_units": oddities.zero("planned_units"),
        "negative_units": oddities.negative("planned_units"),
        "ends_before_start": oddities.out_of_order("planned_start_at", "planned_end_at"),
    },
)
RESULTS = Contract(
    "mes.results",
    Results,
    key=("result_id",),
    version="updated_at",
    event="ended_at",
    defaults={"lot_id": "-"},
    flags={
        "negative_units": oddities.negative("good_units", "scrap_units", "rework_units"),
        "ends_before_start": oddities.out_of_order("started_at", "ended_at"),
    },
)
CONSUMPTION = Contract(
    "mes.consumption",
    Consumption,
    key=("work_order_id", "component_lot_id", "output_lot_id"),
    version="observed_at",
    event="at",
    defaults={"component_lot_id": "-", "output_lot_id": "-"},
    flags={"zero_units": oddities.zero("units"), "negative_units": oddities.negative("units")},
)
QUALITY = Contract(
    "mes.quality",
    Quality,
    key=("check_id",),
    version="updated_at",
    event="checked_at",
    defaults={"lot_id": "-"},
    flags={
        "limits_crossed": oddities.above("lower", "upper"),
        "passed_outside_limits": oddities.true("is_pass")
        & (oddities.above("lower", "value") | oddities.above("value", "upper")),
    },
)
ROUTINGS = Contract(
    "mes.routings",
    Routings,
    key=("sku", "line_id"),
    version="observed_at",
    event="observed_at",
    flags={
        "zero_rate": oddities.zero("units_per_hour"),
        # Performance, and with it the equipment's effectiveness, would come out above 1.
        "faster_than_ideal": oddities.above("units_per_hour", "ideal_units_per_hour"),
    },
)
CHANGEOVERS = Contract(
    "mes.changeovers",
    Changeovers,
    key=("line_id", "from_family", "to_family"),
    version="observed_at",
    event="observed_at",
)
CALENDARS = Contract(
    "mes.calendars",
    Calendars,
    key=("line_id", "starts_at"),
    version="observed_at",
    event="observed_at",
    flags={
        "ends_before_start": oddities.out_of_order("starts_at", "ends_at"),
        "more_minutes_than_time": oddities.more_minutes_than("available_minutes", "starts_at", "ends_at"),
    },
)
CONTRACTS = (WORK_ORDERS, RESULTS, CONSUMPTION, QUALITY, ROUTINGS, CHANGEOVERS, CALENDARS, controls("mes"))
