{{ config(tags=['pass_b']) }}

-- One row per place, SKU, lot, quality and day with a booking or a count: opening + in - out + adjustment = closing.
-- Between two of its days a lot's stock stands still. A count is taken at the close of its day and is the truth: what
-- the books say otherwise is that day's adjustment, and what was there before the first count is its opening.
with

flows as (
    select
        *,
        in_units - out_units + adjustment_units as flow_units
    from {{ ref('int_stock_flows') }}
),

counted as (
    select
        *,
        -- The last count before this day, and how many there were: books run on from each.
        last_value(counted_units ignore nulls) over earlier as last_count_units,
        count(counted_units) over earlier as counts_before,
        row_number() over days = 1 as is_first
    from flows
    window
        days as (partition by location_id, sku, lot_id, quality order by stock_on),
        earlier as (
            partition by location_id, sku, lot_id, quality order by stock_on
            rows between unbounded preceding and 1 preceding
        )
),

booked as (
    select
        *,
        coalesce(
            last_count_units,
            max(case when is_first then counted_units - flow_units end) over (partition by location_id, sku, lot_id, quality),
            0
        ) + sum(flow_units) over (
            partition by location_id, sku, lot_id, quality, counts_before
            order by stock_on
            rows unbounded preceding
        ) as booked_units
    from counted
),

final as (
    select
        location_id,
        sku,
        lot_id,
        quality,
        stock_on,
        cast(booked_units - flow_units as decimal(18, 3)) as opening_units,
        in_units,
        out_units,
        cast(adjustment_units + coalesce(counted_units, booked_units) - booked_units as decimal(18, 3)) as adjustment_units,
        cast(coalesce(counted_units, booked_units) as decimal(18, 3)) as closing_units,
        counted_units
    from booked
)

select * from final
