-- One row per SKU and order that took far more of it than is usual: many units, times the usual order (geometric mean) and
-- usual weeks of the channel (vars bulk_*), by what the channel sold in the 26 weeks before. The first four weeks of a SKU
-- in a channel are not judged. An order is judged by what came before it alone: no later sale changes the verdict.
with

orders as (
    select
        sku,
        channel_id,
        location_id,
        sale_id,
        sold_on,
        cast(sum(units) as decimal(18, 3)) as units
    from {{ ref('fct_sales_line') }}
    where is_counted and is_demand
    group by sku, channel_id, location_id, sale_id, sold_on
    having sum(units) > 0
),

days as (
    select
        sku,
        channel_id,
        sold_on,
        {{ days_between("date '1970-01-01'", 'sold_on') }} as day_no,
        cast(count(*) as double) as orders,
        cast(sum(units) as double) as units,
        -- Sums of floating numbers depend on their order unless it is given.
        {{ in_order('sum', 'ln(cast(units as double))', 'units, location_id, sale_id') }} as log_units
    from orders
    group by sku, channel_id, sold_on
),

usual as (
    select
        sku,
        channel_id,
        sold_on,
        day_no - min(day_no) over (partition by sku, channel_id) as known_days,
        coalesce(sum(units) over before, 0) as units_before,
        coalesce(exp(sum(log_units) over before / sum(orders) over before), 1) as order_units
    from days
    window before as (partition by sku, channel_id order by day_no range between 182 preceding and 1 preceding)
),

final as (
    select
        orders.sku,
        orders.channel_id,
        orders.location_id,
        orders.sale_id,
        orders.sold_on,
        orders.units,
        round(usual.order_units, 3) as usual_order_units,
        round(usual.units_before * 7 / least(usual.known_days, 182), 3) as usual_week_units
    from orders
    inner join usual on orders.sku = usual.sku and orders.channel_id = usual.channel_id and orders.sold_on = usual.sold_on
    where
        usual.known_days >= 28
        and orders.units >= {{ var('bulk_units') }}
        and orders.units >= {{ var('bulk_usual_orders') }} * usual.order_units
        and orders.units >= {{ var('bulk_usual_weeks') }} * usual.units_before * 7 / least(usual.known_days, 182)
)

select * from final
