{{ config(tags=['pass_c']) }}

-- One row per store or warehouse, SKU with stock and channel it can serve: how much of the good stock the channel still
-- takes, and how many days until it takes the next lot no more. A store sells to its own channel until the goods are
-- locked up; a warehouse delivers to a channel until that rejects the goods.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

locations as (
    select * from {{ ref('dim_location') }}
    where kind = 'store' or {{ is_our_warehouse() }}
),

lives as (
    select * from {{ ref('int_planning_channel_life') }}
),

lots as (
    select
        lots.location_id,
        lots.sku,
        lives.channel_id,
        lots.units,
        case when locations.kind = 'store' then lives.lockup_days else lives.reject_days end as least_days,
        cast({{ days_between('workspace.today_on', 'lots.expiry_on') }} as double) as life_days
    from {{ ref('int_lots_on_hand') }} as lots
    inner join locations on lots.location_id = locations.location_id
    cross join workspace
    inner join lives on lots.sku = lives.sku and (locations.kind <> 'store' or locations.channel_id = lives.channel_id)
    where lots.quality = 'good' and lots.units > 0
),

final as (
    select
        location_id,
        sku,
        channel_id,
        cast(least_days as integer) as least_days,
        cast(sum(units) as decimal(18, 3)) as on_hand_units,
        -- What says nothing of its life is taken.
        cast(coalesce(sum(case when coalesce(life_days > least_days, true) then units end), 0) as decimal(18, 3)) as accepted_units,
        cast(coalesce(sum(case when life_days <= least_days then units end), 0) as decimal(18, 3)) as refused_units,
        cast(min(case when life_days > least_days then life_days - least_days end) as integer) as life_left_days
    from lots
    group by location_id, sku, channel_id, least_days
)

select * from final
