-- One row per place, SKU, lot, quality and day on which stock came, went, was corrected or was counted.
with

booked as (
    select * from {{ ref('int_stock_bookings') }}
),

locations as (
    select * from {{ ref('dim_location') }}
),

counts as (
    select * from {{ ref('stg_wms__stock') }}
),

-- What the books know: a store's stock is known only where somebody counts it.
known as (
    select distinct
        location_id,
        sku
    from counts
    union
    select distinct
        booked.location_id,
        booked.sku
    from booked
    inner join locations on booked.location_id = locations.location_id and locations.kind <> 'store'
),

flows as (
    select
        booked.location_id,
        booked.sku,
        -- A till sells without a lot, so a store's stock is kept without one.
        case when locations.kind = 'store' then '-' else booked.lot_id end as lot_id,
        'good' as quality,
        booked.stock_on,
        booked.flow,
        booked.units,
        cast(null as decimal(18, 3)) as counted_units
    from booked
    inner join known on booked.location_id = known.location_id and booked.sku = known.sku
    left join locations on booked.location_id = locations.location_id
    union all
    select
        counts.location_id,
        counts.sku,
        case when locations.kind = 'store' then '-' else counts.lot_id end as lot_id,
        counts.quality,
        counts.as_of as stock_on,
        'counted' as flow,
        0 as units,
        counts.on_hand_units as counted_units
    from counts
    left join locations on counts.location_id = locations.location_id
),

final as (
    select
        location_id,
        sku,
        lot_id,
        quality,
        stock_on,
        {%- for flow in stock_flows('in') + stock_flows('out') + ['adjustment'] %}
        cast(coalesce(sum(case when flow = '{{ flow }}' then units end), 0) as decimal(18, 3)) as {{ flow }}_units,
        {%- endfor %}
        cast(sum(counted_units) as decimal(18, 3)) as counted_units
    from flows
    group by location_id, sku, lot_id, quality, stock_on
)

select * from final
