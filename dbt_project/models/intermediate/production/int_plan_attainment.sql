{{ config(materialized='view') }}

-- One row per line, SKU and day with a plan that is over: what was made, and how much of what was planned that is. What is
-- made beyond the plan does not make up for what is missing elsewhere.
-- An order's plan counts once, on the date of its planned end, whether or not anything came of it; a cancelled one is no plan.
-- What an order makes on the dates it is planned for counts on the last of them, so that one through the night misses
-- nothing; what it makes earlier or later counts on the date it was made. Planned times that nobody gave are those of what
-- was made.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

runs as (
    select * from {{ ref('fct_production_run') }}
),

worked as (
    select
        _source,
        work_order_id,
        min(line_id) as line_id,
        min(produced_on) as first_on,
        max(produced_on) as last_on
    from runs
    group by _source, work_order_id
),

orders as (
    select
        orders._source,
        orders.work_order_id,
        orders.sku,
        orders.planned_units,
        coalesce(orders.line_id, worked.line_id, '-') as line_id,
        coalesce(
            {{ business_date('orders.planned_start_at', 'workspace.timezone', 'workspace.day_starts_minutes') }},
            {{ business_date('orders.planned_end_at', 'workspace.timezone', 'workspace.day_starts_minutes') }},
            worked.first_on
        ) as begins_on,
        coalesce(
            {{ business_date('orders.planned_end_at', 'workspace.timezone', 'workspace.day_starts_minutes') }}, worked.last_on
        ) as due_on
    from {{ ref('stg_mes__work_orders') }} as orders
    cross join workspace
    left join worked on orders._source = worked._source and orders.work_order_id = worked.work_order_id
    where lower(coalesce(orders.status, '')) not in ('cancelled', 'canceled')
),

planned as (
    select
        orders.line_id,
        orders.sku,
        orders.due_on as produced_on,
        sum(orders.planned_units) as planned_units
    from orders
    inner join workspace on orders.due_on < workspace.today_on
    group by orders.line_id, orders.sku, orders.due_on
),

counted as (
    select
        runs.line_id,
        runs.sku,
        case when runs.produced_on between orders.begins_on and orders.due_on then orders.due_on else runs.produced_on end as produced_on,
        runs.good_units
    from runs
    left join orders on runs._source = orders._source and runs.work_order_id = orders.work_order_id
),

made as (
    select
        line_id,
        sku,
        produced_on,
        sum(good_units) as good_units
    from counted
    group by line_id, sku, produced_on
),

final as (
    select
        planned.line_id,
        planned.sku,
        planned.produced_on,
        coalesce(made.good_units, 0) as good_units,
        planned.planned_units,
        least(coalesce(made.good_units, 0), planned.planned_units) as attained_units
    from planned
    left join made
        on planned.line_id = made.line_id and planned.sku = made.sku and planned.produced_on = made.produced_on
)

select * from final
