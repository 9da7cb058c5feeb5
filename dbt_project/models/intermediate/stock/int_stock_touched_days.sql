{#- Named here, because dbt reads a model's references without knowing what is held. -#}
{%- set now, sales, sales_days = ref('int_stock_context'), ref('fct_sales_line'), ref('int_sales_restated_days') -%}
{%- set moved, counts = ref('int_stock_moved_days'), ref('stg_wms__stock_all') -%}
{%- set bookings, days, basis = held('int_stock_bookings'), held('fct_stock_day'), held('int_stock_basis') -%}
-- One row per date on which bookings or counts are not what they were when the kept balances were built. Loads tell of
-- movements and counts, tombstones among them; what tills sold is compared on the dates whose sales are stated anew, and
-- what else a booking depends on is compared with what it was.
with

{% if bookings and days and basis -%}
changed as (
    select
        coalesce(now.kind, held.kind) as kind,
        coalesce(now.location_id, held.location_id) as location_id,
        coalesce(now.sku, held.sku) as sku
    from {{ now }} as now
    full outer join {{ basis }} as held on now.kind = held.kind and now.location_id = held.location_id and now.sku = held.sku
    where held.value is distinct from now.value
),

arrived as (
    select * from {{ moved }}
    where
        visible_seq > (
            select read.visible_seq from {{ basis }} as read
            where read.kind = 'movements'
        )
        or 'days' in (select changed.kind from changed)
        or location_id in (
            select changed.location_id from changed
            where changed.kind = 'location'
        )
),

-- What came off the shelves through the tills, and lies there again.
shelves_now as (
    select
        location_id,
        sku,
        sold_on as stock_on,
        units
    from {{ sales }}
    where is_counted and location_id <> '-' and sold_on in (select restated_on from {{ sales_days }})
),

shelves_held as (
    select
        location_id,
        sku,
        stock_on,
        case when flow = 'returned' then -units else units end as units
    from {{ bookings }}
    where movement_id = '-' and stock_on in (select restated_on from {{ sales_days }})
),

shelves as (
    {{ differing('select * from shelves_now', 'select * from shelves_held') }}
),

final as (
    select stock_on as touched_on from arrived
    union
    select stock_on as touched_on from {{ bookings }}
    where movement_id in (select arrived.movement_id from arrived)
    union
    select as_of as touched_on from {{ counts }}
    where
        visible_seq > (
            select read.visible_seq from {{ basis }} as read
            where read.kind = 'counts'
        )
    union
    select stock_on as touched_on from shelves
    union
    -- A place became a store or is none any more, or lies in another zone; a store's SKU was counted for the first time, or no count is left.
    select booked.stock_on as touched_on
    from {{ bookings }} as booked
    inner join changed on booked.location_id = changed.location_id and changed.sku in ('-', booked.sku)
    union
    select counts.as_of as touched_on
    from {{ counts }} as counts
    inner join changed on counts.location_id = changed.location_id and changed.kind = 'location'
)
{%- elif bookings -%}
-- What the balances were built from is not known: all of them again.
final as (
    select stock_on as touched_on from {{ moved }}
    union
    select as_of as touched_on from {{ counts }}
    union
    select sold_on as touched_on from {{ sales }}
    union
    select stock_on as touched_on from {{ bookings }}
)
{%- else -%}
final as (
    select stock_on as touched_on from {{ moved }}
    where false
)
{%- endif %}

select * from final
