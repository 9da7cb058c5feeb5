{{ restates('int_stock_restated_days', by='stock_on') }}

-- One row per place, SKU, lot, quality and day on which stock came, went, was corrected or was counted.
with

booked as (
    select * from {{ ref('int_stock_bookings') }}
    where {{ is_restated('stock_on', 'int_stock_restated_days') }}
),

locations as (
    select * from {{ ref('dim_location') }}
),

counts as (
    select * from {{ ref('stg_wms__stock') }}
),

-- A store's stock is known only where somebody counts it.
counted as (
    select distinct
        location_id,
        sku
    from counts
),

flows as (
    select
        booked.location_id,
        booked.sku,
        {{ lot_kept('locations.kind', 'booked.lot_id') }} as lot_id,
        'good' as quality,
        booked.stock_on,
        booked.flow,
        booked.units,
        cast(null as decimal(18, 3)) as counted_units
    from booked
    left join locations on booked.location_id = locations.location_id
    left join counted on booked.location_id = counted.location_id and booked.sku = counted.sku
    where coalesce(locations.kind, 'store') <> 'store' or counted.sku is not null
    union all
    select
        counts.location_id,
        counts.sku,
        {{ lot_kept('locations.kind', 'counts.lot_id') }} as lot_id,
        counts.quality,
        counts.as_of as stock_on,
        'counted' as flow,
        0 as units,
        counts.on_hand_units as counted_units
    from counts
    left join locations on counts.location_id = locations.location_id
    where {{ is_restated('counts.as_of', 'int_stock_restated_days') }}
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
