{{ config(tags=['pass_b']) }}

-- One row per place, SKU, lot, quality and day with a booking or a count: opening + in - out + adjustment = closing.
-- Between two of its days a lot's stock stands still. A count is taken at the close of its day and is the truth: what
-- the books say otherwise is that day's adjustment. A lot that came in began with nothing; what else was there before
-- the first count is its opening.
with

flows as (
    select
        *,
        {{ stock_sum('in') }} - ({{ stock_sum('out') }}) + adjustment_units as flow_units
    from {{ ref('int_stock_flows') }}
),

booked as (
    {{ rolled_forward('flows', 'location_id, sku, lot_id, quality', 'stock_on', born="lot_id <> '-' and " ~ stock_sum('in') ~ ' > 0') }}
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
)

select * from final
