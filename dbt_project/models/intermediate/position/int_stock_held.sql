-- One row per place and SKU: what stands there now by quality, and the good units by how much of their life is left.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

lots as (
    select
        lots.*,
        case
            when lots.quality <> 'good' then 'held'
            when lots.expiry_on is null or lots.produced_on is null or lots.expiry_on <= lots.produced_on then 'unknown'
            when lots.expiry_on <= workspace.today_on then 'expired'
            when 3 * {{ days_between('workspace.today_on', 'lots.expiry_on') }} > 2 * {{ days_between('lots.produced_on', 'lots.expiry_on') }} then 'fresh'
            when 3 * {{ days_between('workspace.today_on', 'lots.expiry_on') }} > {{ days_between('lots.produced_on', 'lots.expiry_on') }} then 'middle'
            else 'late'
        end as age
    from {{ ref('int_lots_on_hand') }} as lots
    cross join workspace
),

warnings as (
    select
        sku,
        max(warn_days) as warn_days
    from {{ ref('int_planning_channel_life') }}
    group by sku
),

booked as (
    select
        location_id,
        sku,
        max(stock_on) as last_booked_on
    from {{ ref('fct_stock_day') }}
    group by location_id, sku
),

final as (
    select
        booked.location_id,
        booked.sku,
        booked.last_booked_on,
        cast(coalesce(sum(case when lots.quality = 'good' then lots.units end), 0) as decimal(18, 3)) as on_hand_units,
        cast(coalesce(sum(case when lots.quality = 'in_transit' then lots.units end), 0) as decimal(18, 3)) as in_transit_units,
        cast(coalesce(sum(case when lots.quality in ('on_hold', 'defective', 'damaged') then lots.units end), 0) as decimal(18, 3)) as held_units,
        cast(coalesce(sum(case when lots.quality = 'good' then lots.reserved_units end), 0) as decimal(18, 3)) as reserved_units,
        {%- for age in ['fresh', 'middle', 'late', 'expired', 'unknown'] %}
        cast(coalesce(sum(case when lots.age = '{{ age }}' then lots.units end), 0) as decimal(18, 3)) as {{ age }}_units,
        {%- endfor %}
        coalesce(bool_or(lots.is_estimated), false) as is_estimated,
        min(case when lots.quality = 'good' and lots.units > 0 then lots.expiry_on end) as expiry_next_on,
        cast(coalesce(sum(
            case
                when lots.quality = 'good' and lots.units > 0 and lots.expiry_on <= workspace.today_on + cast(coalesce(warnings.warn_days, 7) as integer)
                    then lots.units
            end
        ), 0) as decimal(18, 3)) as expiring_units
    from booked
    cross join workspace
    left join lots on booked.location_id = lots.location_id and booked.sku = lots.sku
    left join warnings on booked.sku = warnings.sku
    group by booked.location_id, booked.sku, booked.last_booked_on
)

select * from final
