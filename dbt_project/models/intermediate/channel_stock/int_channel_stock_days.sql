-- One row per holder, SKU, lot and day on which it bought, sold on, sent back or wrote off, or said what it held. What a
-- distributor says it held is a count at the close of that day, and its books roll forward from there like ours. Places
-- whose goods are sold hold channel stock too, good units by our books of them; of a distributor that reports, its word holds.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

movements as (
    select
        moved.*,
        {{ business_date('moved.' ~ named('at'), 'workspace.timezone', 'workspace.day_starts_minutes') }} as stock_on
    from {{ ref('stg_distributor__movements') }} as moved
    cross join workspace
),

told as (
    select * from {{ ref('stg_distributor__stock') }}
),

places as (
    select * from {{ ref('int_sold_stock_days') }}
),

flows as (
    select
        distributor_id,
        sku,
        lot_id,
        stock_on,
        kind as flow,
        abs(units) as units,
        cast(null as decimal(18, 3)) as counted_units
    from movements
    union all
    select
        distributor_id,
        sku,
        lot_id,
        as_of as stock_on,
        'told' as flow,
        0 as units,
        on_hand_units as counted_units
    from told
),

daily as (
    select
        distributor_id,
        sku,
        lot_id,
        stock_on,
        {%- for kind in ['purchase', 'sale', 'return', 'write_off'] %}
        cast(coalesce(sum(case when flow = '{{ kind }}' then units end), 0) as decimal(18, 3)) as {{ kind }}_units,
        {%- endfor %}
        cast(sum(counted_units) as decimal(18, 3)) as counted_units
    from flows
    group by distributor_id, sku, lot_id, stock_on
),

flowed as (
    select
        *,
        purchase_units - sale_units - return_units - write_off_units as flow_units
    from daily
),

booked as (
    {{ rolled_forward('flowed', 'distributor_id, sku, lot_id', 'stock_on', born="lot_id <> '-' and purchase_units > 0") }}
),

reported as (
    select
        distributor_id,
        sku,
        lot_id,
        stock_on,
        'distributor' as holder_kind,
        cast(booked_units - flow_units as decimal(18, 3)) as opening_units,
        purchase_units,
        sale_units,
        return_units,
        write_off_units,
        cast(coalesce(counted_units, booked_units) - booked_units as decimal(18, 3)) as adjustment_units,
        cast(coalesce(counted_units, booked_units) as decimal(18, 3)) as closing_units,
        counted_units
    from booked
),

final as (
    select * from reported
    union all
    select places.* from places
    anti join reported on places.distributor_id = reported.distributor_id
)

select * from final
