{{ config(tags=['pass_b']) }}{{ restates('int_stock_restated_days', by='stock_on') }}

-- One row per place, SKU, lot, quality and day with a booking or a count: opening + in - out + adjustment = closing.
-- Between two of its days a lot's stock stands still. A count is taken at the close of its day and is the truth: what
-- the books say otherwise is that day's adjustment. A lot that came in began with nothing; what else was there before
-- the first count is its opening. Dates from the earliest touched one on are restated, on top of what the kept ones closed
-- with.
with

flows as (
    select
        *,
        {{ stock_sum('in') }} - ({{ stock_sum('out') }}) + adjustment_units as flow_units
    from {{ ref('int_stock_flows') }}
    where {{ is_restated('stock_on', 'int_stock_restated_days') }}
),

{% if is_incremental() -%}
-- Books run on from the last balance that is kept as from a count.
carried as (
    select
        held.location_id,
        held.sku,
        held.lot_id,
        held.quality,
        max(held.stock_on) as stock_on,
        {%- for flow in stock_flows('in') + stock_flows('out') + ['adjustment'] %}
        0 as {{ flow }}_units,
        {%- endfor %}
        max_by(held.closing_units, held.stock_on) as counted_units,
        0 as flow_units
    from {{ this }} as held
    semi join flows
        on
            held.location_id = flows.location_id and held.sku = flows.sku
            and held.lot_id = flows.lot_id and held.quality = flows.quality
    where held.stock_on < (select min(restated_on) from {{ ref('int_stock_restated_days') }})
    group by held.location_id, held.sku, held.lot_id, held.quality
),

{% endif -%}
opened as (
    select * from flows
    {%- if is_incremental() %}
    union all
    select * from carried
    {%- endif %}
),

booked as (
    {{ rolled_forward('opened', 'location_id, sku, lot_id, quality', 'stock_on', born="lot_id <> '-' and " ~ stock_sum('in') ~ ' > 0') }}
),

final as (
    select
        location_id,
        sku,
        lot_id,
        quality,
        stock_on,
        cast(booked_units - flow_units as decimal(18, 3)) as opening_units,
        {%- for flow in stock_flows('in') %}
        {{ flow }}_units,
        {%- endfor %}
        cast({{ stock_sum('in') }} as decimal(18, 3)) as in_units,
        {%- for flow in stock_flows('out') %}
        {{ flow }}_units,
        {%- endfor %}
        cast({{ stock_sum('out') }} as decimal(18, 3)) as out_units,
        cast(adjustment_units + coalesce(counted_units, booked_units) - booked_units as decimal(18, 3)) as adjustment_units,
        cast(coalesce(counted_units, booked_units) as decimal(18, 3)) as closing_units,
        counted_units
    from booked
    where {{ is_restated('stock_on', 'int_stock_restated_days') }}
)

select * from final
