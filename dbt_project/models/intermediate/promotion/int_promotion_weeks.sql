-- One row per SKU, store and complete week in which it sold or was placed, in stores that ever sold it.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

sold as (
    select
        sku,
        location_id as store_id,
        {{ week_of('sold_on') }} as week_on,
        cast(sum(units) as decimal(18, 3)) as units,
        cast(sum(net_sales_amount) as decimal(18, 4)) as net_sales_amount
    from {{ ref('fct_sales_line') }}
    where is_counted and location_id <> '-'
    group by sku, location_id, {{ week_of('sold_on') }}
),

sellers as (
    select distinct
        sku,
        store_id
    from sold
),

-- One week of a SKU in a store may be placed more than once: any placement counts. Sources write 0 for none.
placed as (
    select
        placements.sku,
        placements.store_id,
        {{ week_of('placements.week_on') }} as week_on,
        bool_or(coalesce(placements.display, '') not in ('', '0', '-')) as is_display,
        bool_or(coalesce(placements.mailer, '') not in ('', '0', '-')) as is_mailer
    from {{ ref('stg_trade__placements') }} as placements
    semi join sellers on placements.sku = sellers.sku and placements.store_id = sellers.store_id
    group by placements.sku, placements.store_id, {{ week_of('placements.week_on') }}
),

final as (
    select
        coalesce(sold.sku, placed.sku) as sku,
        coalesce(sold.store_id, placed.store_id) as store_id,
        coalesce(sold.week_on, placed.week_on) as week_on,
        coalesce(sold.units, 0) as units,
        coalesce(sold.net_sales_amount, 0) as net_sales_amount,
        case when sold.units > 0 then {{ to_decimal('(cast(sold.net_sales_amount as double) / sold.units)', 4) }} end as price_amount,
        coalesce(placed.is_display, false) as is_display,
        coalesce(placed.is_mailer, false) as is_mailer
    from sold
    full outer join placed
        on sold.sku = placed.sku and sold.store_id = placed.store_id and sold.week_on = placed.week_on
    cross join workspace
    where coalesce(sold.week_on, placed.week_on) <= workspace.last_week_on
)

select * from final
