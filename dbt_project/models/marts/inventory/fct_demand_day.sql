{{ config(tags=['pass_b']) }}

-- One row per SKU, channel, place and day with demand, and per day on which a store's shelf was known to be empty.
with

sales as (
    select
        *,
        line_kind not in ('gift', 'sample', 'component') and gross_sales_amount <> 0 as is_priced
    from {{ ref('fct_sales_line') }}
    where is_counted and is_demand
),

stock_outs as (
    select
        empty.sku,
        locations.channel_id,
        empty.location_id,
        empty.stock_on
    from {{ ref('int_stock_out_days') }} as empty
    inner join {{ ref('dim_location') }} as locations on empty.location_id = locations.location_id
),

channels as (
    select * from {{ ref('channels') }}
),

off_days as (
    select distinct
        country,
        holiday_on
    from {{ ref('holidays') }}
    where is_off_day
),

placed as (
    select
        sku,
        store_id,
        week_on
    from {{ ref('int_promotion_weeks') }}
    where is_display or is_mailer
),

observed as (
    select
        sku,
        channel_id,
        location_id,
        sold_on as demand_on,
        cast(sum(units) as decimal(18, 3)) as units,
        -- A gift, a component of a bundle and an exchanged unit are demand, and say nothing of the price.
        cast(sum(net_sales_amount) filter (where is_priced) as decimal(18, 4)) as net_sales_amount,
        sum(units) filter (where is_priced) as priced_units,
        bool_or(promotion_id is not null) as is_on_promotion
    from sales
    group by sku, channel_id, location_id, sold_on
),

days as (
    select
        coalesce(observed.sku, stock_outs.sku) as sku,
        coalesce(observed.channel_id, stock_outs.channel_id) as channel_id,
        coalesce(observed.location_id, stock_outs.location_id) as location_id,
        coalesce(observed.demand_on, stock_outs.stock_on) as demand_on,
        coalesce(observed.units, 0) as units,
        stock_outs.sku is null or coalesce(observed.units, 0) > 0 as is_in_stock,
        case
            when observed.priced_units > 0
                then {{ to_decimal('(cast(observed.net_sales_amount as double) / observed.priced_units)', 4) }}
        end as price_amount,
        coalesce(observed.is_on_promotion, false) as is_on_promotion
    from observed
    full outer join stock_outs
        on
            observed.sku = stock_outs.sku
            and observed.channel_id = stock_outs.channel_id
            and observed.location_id = stock_outs.location_id
            and observed.demand_on = stock_outs.stock_on
),

final as (
    select
        days.sku,
        days.channel_id,
        days.location_id,
        days.demand_on,
        cast(days.units as decimal(18, 3)) as units,
        days.is_in_stock,
        days.price_amount,
        days.is_on_promotion or placed.sku is not null as is_promoted,
        off_days.holiday_on is not null as is_holiday
    from days
    left join channels on days.channel_id = channels.channel_id
    left join off_days on channels.country = off_days.country and days.demand_on = off_days.holiday_on
    left join placed
        on
            days.sku = placed.sku
            and days.location_id = placed.store_id
            and {{ week_of('days.demand_on') }} = placed.week_on
)

select * from final
