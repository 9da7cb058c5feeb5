"""The factory's floor: shifts with their losses, downtime by reason, alarms with what was measured, capability."""

from __future__ import annotations

from datetime import date

import polars as pl

from apps.queries.warehouse import Warehouse

_BOUNDS = "select min(shift_on) as first_on, max(shift_on) as last_on from mart_line_oee"

_LINES = "select distinct line_id from mart_line_oee order by line_id"

_SHIFTS = """
select
    line_id,
    starts_at,
    shift_on,
    shift_id,
    planned_minutes,
    setup_minutes,
    stop_minutes,
    waiting_minutes,
    run_minutes,
    ideal_minutes,
    good_minutes,
    made_units::double as made_units,
    good_units::double as good_units,
    availability_rate,
    performance_rate,
    quality_rate,
    oee_rate,
    failures,
    repair_minutes,
    counter_good_units::double as counter_good_units,
    difference_units::double as difference_units,
    difference_minutes,
    is_above_one,
    counter_verdict
from mart_line_oee
where shift_on >= $start_on and shift_on < $end_on and line_id = coalesce($line, line_id)
order by starts_at desc, line_id
"""

_STOPS = """
select
    reason,
    sum(minutes) as minutes,
    sum(occurrences)::bigint as occurrences
from mart_line_downtime
where
    kind = 'stop'
    and shift_on >= $start_on and shift_on < $end_on and line_id = coalesce($line, line_id)
group by reason
order by minutes desc, reason
"""

_ALARMS = """
select
    alarm.started_at,
    alarm.line_id,
    alarm.kind,
    alarm.message,
    alarm.duration_minutes,
    alarm.acknowledge_minutes,
    alarm.lot_id,
    alarm.sku,
    product.name,
    alarm.mwo_id,
    alarm.cause,
    alarm.is_failure,
    alarm.moved_tag,
    alarm.moved_before,
    alarm.moved_during,
    alarm.moved_unit
from fct_event_context as alarm
left join dim_product as product on alarm.sku = product.sku and product.is_current
where
    alarm.kind <> 'planned'
    and alarm.started_on >= $start_on and alarm.started_on < $end_on and alarm.line_id = coalesce($line, alarm.line_id)
order by alarm.started_at desc, alarm.event_id
"""

_CAPABILITY = """
select characteristic, line_id, week_on, measured, mean, sigma, cp, cpk, first_pass_rate, is_enough
from mart_quality
where
    sku = '*' and cpk is not null
    and week_on >= $start_on - 6 and week_on < $end_on and line_id = coalesce($line, line_id)
order by characteristic, line_id, week_on
"""


def bounds(warehouse: Warehouse) -> tuple[date, date] | None:
    """The first and the last business date with a shift, or None."""
    first, last = warehouse.rows(_BOUNDS).row(0)
    return None if first is None else (first, last)


def lines(warehouse: Warehouse) -> list[str]:
    """The lines with shifts."""
    return warehouse.rows(_LINES)["line_id"].to_list()


def shifts(warehouse: Warehouse, start_on: date, end_on: date, *, line: str | None) -> pl.DataFrame:
    """One row per line and shift that starts in [start_on, end_on): minutes by loss, units, factors, counters."""
    return warehouse.rows(_SHIFTS, start_on=start_on, end_on=end_on, line=line)


def stops(warehouse: Warehouse, start_on: date, end_on: date, *, line: str | None) -> pl.DataFrame:
    """One row per reason of unplanned stops: minutes, occurrences; the longest first."""
    return warehouse.rows(_STOPS, start_on=start_on, end_on=end_on, line=line)


def alarms(warehouse: Warehouse, start_on: date, end_on: date, *, line: str | None) -> pl.DataFrame:
    """One row per alarm but planned ones, the newest first: duration, product, repair, the value that moved most."""
    return warehouse.rows(_ALARMS, start_on=start_on, end_on=end_on, line=line)


def capability(warehouse: Warehouse, start_on: date, end_on: date, *, line: str | None) -> pl.DataFrame:
    """One row per characteristic, line and week of the span: values, mean, sigma, cp, cpk, whether they are enough."""
    return warehouse.rows(_CAPABILITY, start_on=start_on, end_on=end_on, line=line)
