{{ config(tags=['pass_c']) }}

-- One row per place and SKU: saleable stock now, what of it expires soon, how long it lasts, and whether it will run out
-- before more can come.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

latest as (
    select * from {{ ref('fct_stock_day') }}
    qualify row_number() over (partition by location_id, sku, lot_id, quality order by stock_on desc) = 1
),

lots as (
    select * from {{ ref('int_lots') }}
),

demand as (
    select * from {{ ref('int_cover_demand') }}
),

policies as (
    select * from {{ ref('int_planning_item_policy') }}
),

lives as (
    select
        sku,
        max(warn_days) as warn_days
    from {{ ref('int_planning_channel_life') }}
    group by sku
),

positions as (
    select
        latest.location_id,
        latest.sku,
        coalesce(sum(latest.closing_units) filter (where latest.quality = 'good'), 0) as on_hand_units,
        min(lots.expiry_on) filter (where latest.closing_units > 0) as expiry_next_on,
        coalesce(sum(latest.closing_units) filter (where lots.expiry_on <= workspace.today_on + cast(coalesce(lives.warn_days, 7) as integer)), 0)
            as expiring_units,
        max(latest.stock_on) as last_booked_on
    from latest
    cross join workspace
    left join lots
        on latest.location_id = lots.location_id and latest.sku = lots.sku and latest.lot_id = lots.lot_id and latest.quality = lots.quality
    left join lives on latest.sku = lives.sku
    group by latest.location_id, latest.sku
),

final as (
    select
        positions.location_id,
        positions.sku,
        cast(positions.on_hand_units as decimal(18, 3)) as on_hand_units,
        positions.expiry_next_on,
        cast(positions.expiring_units as decimal(18, 3)) as expiring_units,
        case when demand.daily_units > 0 then round(greatest(cast(positions.on_hand_units as double), 0) / demand.daily_units, 2) end
            as days_of_cover,
        -- Half a unit more than there is: of a SKU that sells once a year none need lie there.
        coalesce(
            demand.daily_units * coalesce(policies.lead_time_days, 7) - cast(positions.on_hand_units as double) >= 0.5, false
        ) as is_stock_out_risk,
        positions.last_booked_on
    from positions
    left join demand on positions.location_id = demand.location_id and positions.sku = demand.sku
    left join policies on positions.sku = policies.sku
)

select * from final
