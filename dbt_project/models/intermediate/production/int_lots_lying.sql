{{ config(materialized='view') }}

-- One row per place whose stock is told by lot, and lot of which something lies there now, of whatever quality: goods that
-- never left the place where they were made, too.
with

places as (
    select * from {{ ref('dim_location') }}
    where kind <> 'store'
),

final as (
    select
        lots.location_id,
        lots.sku,
        lots.lot_id,
        sum(lots.units) as units
    from {{ ref('int_lots_on_hand') }} as lots
    inner join places on lots.location_id = places.location_id
    where lots.lot_id <> '-'
    group by lots.location_id, lots.sku, lots.lot_id
    having sum(lots.units) > 0
)

select * from final
