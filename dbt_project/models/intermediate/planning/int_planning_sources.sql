-- One row per SKU and way to get it: what a line can make is made, everything else of the item master is bought.
with

policies as (
    select * from {{ ref('int_planning_item_policy') }}
),

items as (
    select * from {{ ref('dim_product') }}
    where is_current
),

made as (
    select distinct sku from {{ ref('stg_mes__routings') }}
    union
    select parent_sku as sku from {{ ref('stg_plm__bom') }}
),

final as (
    select
        items.sku,
        'PLANT' as location_id,
        case when made.sku is null then 'buy' else 'make' end as source_id,
        case when made.sku is null then 'buy' else 'make' end as kind,
        policies.lead_time_days,
        cast(1 as double) as share_rate,
        cast(1 as bigint) as priority,
        cast(items.standard_cost_amount as double) as cost
    from items
    inner join policies on items.sku = policies.sku
    left join made on items.sku = made.sku
)

select * from final
