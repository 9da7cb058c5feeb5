-- One row per check and level at which quality is judged: its line and SKU, and its line with all SKUs (*).
with

made as (
    select
        _source,
        work_order_id,
        min(line_id) as line_id,
        min(sku) as sku
    from {{ ref('stg_mes__results') }}
    group by _source, work_order_id
),

workspace as (
    select * from {{ ref('int_workspace') }}
),

checks as (
    select
        checks._source,
        checks.check_id,
        checks.characteristic,
        coalesce(orders.line_id, made.line_id, '-') as line_id,
        coalesce(orders.sku, made.sku, '-') as sku,
        {{ week_of(business_date('checks.checked_at', 'workspace.timezone', 'workspace.day_starts_minutes')) }} as week_on,
        -- A check without a subgroup is one of its own.
        coalesce(checks.subgroup, checks._source || ' ' || checks.check_id) as subgroup,
        checks.value,
        checks.lower,
        checks.upper,
        coalesce(
            checks.is_pass,
            checks.value >= coalesce(checks.lower, checks.value) and checks.value <= coalesce(checks.upper, checks.value)
        ) as is_pass,
        checks.checked_at
    from {{ ref('stg_mes__quality') }} as checks
    cross join workspace
    left join {{ ref('stg_mes__work_orders') }} as orders
        on checks._source = orders._source and checks.work_order_id = orders.work_order_id
    left join made on checks._source = made._source and checks.work_order_id = made.work_order_id
),

levels as (
    select true as is_of_sku
    union all
    select false as is_of_sku
),

final as (
    select
        checks._source,
        checks.check_id,
        checks.characteristic,
        checks.line_id,
        case when levels.is_of_sku then checks.sku else '*' end as sku,
        checks.week_on,
        checks.subgroup,
        checks.value,
        checks.lower,
        checks.upper,
        checks.is_pass,
        checks.checked_at
    from checks
    cross join levels
)

select * from final
