"""Stock and production: positions, the stock line by day, the plan's load by line and week, what was really made."""

from __future__ import annotations

from datetime import date

import polars as pl

from apps.queries.warehouse import Warehouse

# Versions published before places had an owner hold stock of ours alone.
_PLACES = "with places as (select location_id, name, kind, is_ours from dim_location)"
_NO_OWNERS = "with places as (select location_id, name, kind, true as is_ours from dim_location)"

_POSITIONS = """,

moved as (
    select location_id, sku, sum(out_units)::double as out_units
    from fct_stock_day
    where stock_on > (select max(stock_on) from fct_stock_day) - 28
    group by location_id, sku
)

select
    position.location_id,
    location.name as location_name,
    position.sku,
    product.name,
    product.category,
    location.kind as location_kind,
    position.on_hand_units::double as on_hand_units,
    position.available_units::double as available_units,
    position.value_amount::double as value_amount,
    position.days_of_cover::double as days_of_cover,
    position.stock_out_rate,
    position.is_stock_out_risk,
    position.is_out_of_stock as is_out,
    position.expiry_next_on,
    position.expiry_risk_on,
    position.expiry_risk_units::double as expiry_risk_units,
    position.expiry_risk_amount::double as expiry_risk_amount,
    position.fresh_units::double as fresh_units,
    position.middle_units::double as middle_units,
    position.late_units::double as late_units,
    position.expired_units::double as expired_units,
    position.unknown_units::double as unknown_units,
    position.excess_units::double as excess_units,
    position.excess_amount::double as excess_amount,
    position.advice,
    coalesce(moved.out_units, 0) as out_units
from mart_stock_position as position
left join moved on position.location_id = moved.location_id and position.sku = moved.sku
left join places as location on position.location_id = location.location_id
left join dim_product as product on position.sku = product.sku and product.is_current
where
    coalesce(location.is_ours, true) = $is_ours
    and position.location_id = coalesce($location, position.location_id)
    and coalesce(product.category, '-') = coalesce($category, product.category, '-')
order by
    position.is_stock_out_risk desc,
    case when position.is_stock_out_risk then position.lead_time_demand_units end desc nulls last,
    coalesce(position.expiry_risk_amount, 0) desc, position.days_of_cover nulls last, out_units desc,
    position.location_id, position.sku
"""

# A lot has a row only on days with a booking; between them its stock stands still. So the steps are added up.
_STOCK_DAYS = """,

lots as (
    select
        stock.stock_on, stock.location_id, stock.sku, stock.in_units, stock.out_units, stock.adjustment_units,
        stock.closing_units - coalesce(
            lag(stock.closing_units) over (
                partition by stock.location_id, stock.sku, stock.lot_id order by stock.stock_on
            ), 0
        ) as step_units
    from fct_stock_day as stock
    left join places as location on stock.location_id = location.location_id
    left join dim_product as product on stock.sku = product.sku and product.is_current
    where
        stock.quality = 'good'
        and coalesce(location.is_ours, true) = $is_ours
        and stock.location_id = coalesce($location, stock.location_id)
        and coalesce(product.category, '-') = coalesce($category, product.category, '-')
),

items as (
    select
        stock_on, location_id, sku,
        sum(step_units) as step_units,
        sum(in_units) as in_units,
        sum(out_units) as out_units,
        sum(adjustment_units) as adjustment_units,
        sum(sum(step_units)) over item <= 0 as is_out,
        row_number() over item = 1 as is_first
    from lots
    group by stock_on, location_id, sku
    window item as (partition by location_id, sku order by stock_on)
),

-- What nobody asks for is not missed: out of stock is only what is asked for at least once in two weeks.
asked_for as (
    select location_id, sku
    from mart_stock_position
    where 14 * daily_demand_units >= 1
),

wanted as (
    select items.* exclude (is_out), items.is_out and asked_for.sku is not null as is_out
    from items
    left join asked_for on items.location_id = asked_for.location_id and items.sku = asked_for.sku
),

turns as (
    select
        *,
        is_out::integer - coalesce(
            lag(is_out::integer) over (partition by location_id, sku order by stock_on), 0
        ) as turn
    from wanted
),

days as (
    select
        stock_on,
        sum(sum(step_units)) over (order by stock_on)::double as closing_units,
        sum(in_units)::double as in_units,
        sum(out_units)::double as out_units,
        sum(adjustment_units)::double as adjustment_units,
        sum(sum(is_first::integer)) over (order by stock_on)::bigint as items,
        sum(sum(turn)) over (order by stock_on)::bigint as stock_outs
    from turns
    group by stock_on
)

select *
from days
where stock_on >= $start_on
order by stock_on
"""

_STOCK_BOUNDS = "select max(stock_on) as last_on from fct_stock_day"

_LOCATIONS = """
select
    position.location_id as code,
    any_value(location.name) as name,
    coalesce(any_value(location.is_ours), true) as is_ours,
    sum(position.on_hand_units)::double as weight
from mart_stock_position as position
left join places as location on position.location_id = location.location_id
group by position.location_id
order by weight desc, code
"""

# Versions published before firm orders had columns of their own count none.
_FIRM = "with planned as (select * from mart_production_plan)"
_NO_FIRM = "with planned as (select *, 0 as firm_units, 0 as firm_minutes from mart_production_plan)"

_LOAD = """
select
    line_id,
    week_on,
    sum(firm_minutes)::double as firm_minutes,
    sum(firm_units)::double as firm_units,
    sum(run_minutes)::double as run_minutes,
    sum(setup_minutes)::double as setup_minutes,
    sum(overtime_minutes)::double as overtime_minutes,
    max(available_minutes)::double as available_minutes,
    max(utilisation_rate)::double as utilisation_rate,
    sum(units)::double as units,
    sum(demand_units)::double as demand_units,
    sum(backorder_units)::double as backorder_units,
    sum(safety_short_units)::double as safety_short_units
from planned
where line_id = coalesce($line, line_id)
group by line_id, week_on
order by line_id, week_on
"""

_PLAN = """
select
    plan.week_on,
    plan.line_id,
    plan.sku,
    product.name,
    product.category,
    plan.units::double as units,
    plan.firm_units::double as firm_units,
    plan.demand_units::double as demand_units,
    plan.backorder_units::double as backorder_units,
    plan.safety_short_units::double as safety_short_units,
    (plan.run_minutes + plan.setup_minutes + plan.firm_minutes)::double as minutes,
    plan.zone
from planned as plan
left join dim_product as product on plan.sku = product.sku and product.is_current
where plan.line_id = coalesce($line, plan.line_id)
order by plan.week_on, plan.line_id, plan.units + plan.firm_units desc, plan.demand_units desc, plan.sku
"""

_ATTAINMENT = """
select
    date_trunc('week', produced_on)::date as week_on,
    sum(attained_units)::double as attained_units,
    sum(planned_units)::double as planned_units
from int_plan_attainment
where line_id = coalesce($line, line_id)
group by week_on
order by week_on
"""


def positions(
    warehouse: Warehouse, *, is_ours: bool = True, location: str | None, category: str | None
) -> pl.DataFrame:
    """One row per location and sku: on hand, its age and worth, cover, risks of running out and expiring, advice.

    Of our stock, or of what is sold and lies in the channel: the two are never added together.

    out_units are those of the last 28 days; first comes what runs out, the most asked for first, then what most money
    expires with.
    """
    return warehouse.rows(placed(warehouse, _POSITIONS), is_ours=is_ours, location=location, category=category)


def stock_days(
    warehouse: Warehouse, start_on: date, *, is_ours: bool = True, location: str | None, category: str | None
) -> pl.DataFrame:
    """One row per day: closing, in, out and adjustment units of good stock, items, and how many of them were out."""
    sql = placed(warehouse, _STOCK_DAYS)
    return warehouse.rows(sql, start_on=start_on, is_ours=is_ours, location=location, category=category)


def last_stock_on(warehouse: Warehouse) -> date | None:
    """The last day with a stock line, or None."""
    found: date | None = warehouse.rows(_STOCK_BOUNDS).item()
    return found


def locations(warehouse: Warehouse) -> pl.DataFrame:
    """The places with stock: code, name, whether it is ours, weight (units on hand)."""
    return warehouse.rows(placed(warehouse, _LOCATIONS))


def load(warehouse: Warehouse, *, line: str | None) -> pl.DataFrame:
    """One row per line and week: minutes of firm orders, run, set-up (overtime is part of them), available; units.

    backorder_units are what is owed at the week's end: they stand from week to week and are never added up.
    """
    return warehouse.rows(_planned(warehouse, _LOAD), line=line)


def plan(warehouse: Warehouse, *, line: str | None) -> pl.DataFrame:
    """One row per week, line and sku of the plan, the next week first."""
    return warehouse.rows(_planned(warehouse, _PLAN), line=line)


def attainment(warehouse: Warehouse, *, line: str | None) -> pl.DataFrame:
    """One row per past week: units planned, and attained of them (Σ min(made, planned) per line, sku and day)."""
    return warehouse.rows(_ATTAINMENT, line=line)


def placed(warehouse: Warehouse, sql: str) -> str:
    """A query with the table `places` before it, of which each says whether what it holds is ours."""
    return f"{_PLACES if warehouse.has_column('dim_location', 'is_ours') else _NO_OWNERS}{sql}"


def _planned(warehouse: Warehouse, sql: str) -> str:
    return f"{_FIRM if warehouse.has_column('mart_production_plan', 'firm_units') else _NO_FIRM} {sql}"
