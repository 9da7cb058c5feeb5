-- One row per place that keeps lots, and lot of which something lies there now: goods that never left the place where
-- they were made, too.
with

places as (
    select * from {{ ref('dim_location') }}
    where kind not in ('store', 'distributor', 'platform')
),

closings as (
    select
        stock.location_id,
        stock.sku,
        stock.lot_id,
        stock.closing_units
    from {{ ref('fct_stock_day') }} as stock
    inner join places on stock.location_id = places.location_id
    where stock.lot_id <> '-'
    qualify row_number() over (
        partition by stock.location_id, stock.sku, stock.lot_id, stock.quality order by stock.stock_on desc
    ) = 1
),

final as (
    select
        location_id,
        sku,
        lot_id,
        sum(closing_units) as units
    from closings
    group by location_id, sku, lot_id
    having sum(closing_units) > 0
)

select * from final
