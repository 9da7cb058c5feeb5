-- One row per store, SKU and day on which the shelf is known to have been empty from open to close: nothing on hand at
-- the close and nothing sold. Between two bookings stock stands still, so an empty shelf stays empty.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

locations as (
    select * from {{ ref('dim_location') }}
    where kind = 'store'
),

stock as (
    select
        days.location_id,
        days.sku,
        days.stock_on,
        sum(days.closing_units) as closing_units,
        sum(days.out_units) as out_units
    from {{ ref('fct_stock_day') }} as days
    inner join locations on days.location_id = locations.location_id
    where days.quality = 'good'
    group by days.location_id, days.sku, days.stock_on
),

spans as (
    select
        *,
        lead(stock_on) over (partition by location_id, sku order by stock_on) as next_on
    from stock
),

final as (
    select
        spans.location_id,
        spans.sku,
        {{ dates_from(
            'case when spans.out_units > 0 then spans.stock_on + 1 else spans.stock_on end',
            'least(coalesce(spans.next_on, workspace.today_on), workspace.today_on)',
            1
        ) }} as stock_on
    from spans
    cross join workspace
    where spans.closing_units <= 0
)

select * from final
