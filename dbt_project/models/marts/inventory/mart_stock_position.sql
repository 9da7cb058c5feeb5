{{ config(tags=['pass_c']) }}

-- One row per place and SKU: what stands there, what of it can be sold and for how long, how likely it runs out before
-- more can come, what expires before it sells, what is too much, and the one thing to do about it.
with

held as (
    select * from {{ ref('int_stock_held') }}
),

cover as (
    select * from {{ ref('int_stock_cover') }}
),

locations as (
    select * from {{ ref('dim_location') }}
),

items as (
    select * from {{ ref('dim_product') }}
    where is_current
),

joined as (
    select
        held.*,
        coalesce(locations.is_ours, true) as is_ours,
        held.on_hand_units - held.reserved_units as available_units,
        items.standard_cost_amount,
        coalesce(cover.is_asked_for, false) as is_asked_for,
        cast(cover.saleable_units as decimal(18, 3)) as saleable_units,
        cast(cover.days_of_cover as double) as days_of_cover,
        cast(cover.lead_units as double) as lead_units,
        cast(cover.daily_units as double) as daily_units,
        case
            when cover.location_id is not null
                then {{ chance_above(
                    'greatest(cover.saleable_units - cover.wasted_soon_units - cast(held.reserved_units as double), 0)',
                    'cover.lead_units', 'cover.lead_variance'
                ) }}
        end as stock_out_rate,
        cast(cover.wasted_units as decimal(18, 3)) as expiry_risk_units,
        cover.wasted_on as expiry_risk_on,
        cast(cover.excess_units as decimal(18, 3)) as excess_units
    from held
    left join cover on held.location_id = cover.location_id and held.sku = cover.sku
    left join items on held.sku = items.sku
    left join locations on held.location_id = locations.location_id
),

judged as (
    select
        *,
        is_asked_for and coalesce(stock_out_rate >= {{ var('stock_out_alarm_rate') }}, false) as is_stock_out_risk,
        -- What nobody asks for is not missed.
        on_hand_units <= 0 and coalesce({{ var('asked_for_days') }} * daily_units >= 1, false) as is_out_of_stock
    from joined
),

final as (
    select
        location_id,
        sku,
        is_ours,
        on_hand_units,
        reserved_units,
        cast(available_units as decimal(18, 3)) as available_units,
        in_transit_units,
        held_units,
        saleable_units,
        cast({{ product('on_hand_units', 'standard_cost_amount') }} as decimal(18, 4)) as value_amount,
        expiry_next_on,
        expiring_units,
        round(days_of_cover, 2) as days_of_cover,
        round(daily_units, 4) as daily_demand_units,
        round(lead_units, 3) as lead_time_demand_units,
        round(stock_out_rate, 4) as stock_out_rate,
        is_stock_out_risk,
        is_out_of_stock,
        expiry_risk_units,
        expiry_risk_on,
        cast({{ product('expiry_risk_units', 'standard_cost_amount') }} as decimal(18, 4)) as expiry_risk_amount,
        fresh_units,
        middle_units,
        late_units,
        expired_units,
        unknown_units,
        excess_units,
        cast({{ product('excess_units', 'standard_cost_amount') }} as decimal(18, 4)) as excess_amount,
        is_estimated,
        last_booked_on,
        -- The first that holds: what keeps the shelf full comes before what saves money.
        case
            when on_hand_units < 0 then 'count'
            when (is_stock_out_risk or is_out_of_stock) and held_units > 0 then 'release'
            when is_out_of_stock then 'fill_now'
            when is_stock_out_risk then 'fill_up'
            when on_hand_units > 0 and saleable_units <= 0 then case when is_estimated then 'check_life' else 'write_off' end
            when expiry_risk_units >= 1 then 'sell_down'
            when excess_units >= 1 then 'order_less'
            else 'keep'
        end as advice
    from judged
)

select * from final
