-- One row per store or warehouse, SKU and lot of good quality on hand: how many days it can still be sold, and how much of
-- it will be while the forecast is walked forward, first expired first out; the rest will expire.
-- Sold of the first k lots together is the least of what they hold and, for each lot j of them, what is asked for until j
-- can no longer be sold and what the lots after j hold: Q(k) + min(0, min over j of D(e(j)) - Q(j)).
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

locations as (
    select * from {{ ref('dim_location') }}
    where kind = 'store' or {{ is_our_warehouse() }}
),

-- A store may sell until its channel locks the goods up; a warehouse as long as one channel takes them in.
lives as (
    select
        locations.location_id,
        lives.sku,
        min(case when locations.kind = 'store' then lives.lockup_days else lives.reject_days end) as least_days
    from {{ ref('int_planning_channel_life') }} as lives
    inner join locations on locations.kind <> 'store' or lives.channel_id = locations.channel_id
    group by locations.location_id, lives.sku
),

demand as (
    select * from {{ ref('int_cover_demand') }}
),

lots as (
    select
        lots.location_id,
        lots.sku,
        lots.lot_id,
        cast(lots.units as double) as units,
        lots.expiry_on,
        greatest(
            coalesce(cast({{ days_between('workspace.today_on', 'lots.expiry_on') }} as double) - coalesce(lives.least_days, 0), 1000000), 0
        ) as saleable_days
    from {{ ref('int_lots_on_hand') }} as lots
    inner join locations on lots.location_id = locations.location_id
    cross join workspace
    left join lives on lots.location_id = lives.location_id and lots.sku = lives.sku
    where lots.quality = 'good' and lots.units > 0
),

asked as (
    select
        lots.*,
        coalesce(demand.units_before + (lots.saleable_days - demand.from_days) * demand.daily_units, 0) as asked_units,
        sum(lots.units) over fefo as held_units
    from lots
    left join demand
        on
            lots.location_id = demand.location_id and lots.sku = demand.sku
            and lots.saleable_days > demand.from_days and lots.saleable_days <= demand.to_days
    window fefo as (
        partition by lots.location_id, lots.sku order by lots.saleable_days, lots.lot_id rows unbounded preceding
    )
),

sold as (
    select
        *,
        held_units + least(min(asked_units - held_units) over (
            partition by location_id, sku order by saleable_days, lot_id rows unbounded preceding
        ), 0) as sold_until
    from asked
),

parted as (
    select
        *,
        sold_until - coalesce(lag(sold_until) over (partition by location_id, sku order by saleable_days, lot_id), 0) as sold_units
    from sold
),

final as (
    select
        location_id,
        sku,
        lot_id,
        units,
        expiry_on,
        saleable_days,
        sold_units,
        case when expiry_on is null then 0 else greatest(units - sold_units, 0) end as wasted_units
    from parted
)

select * from final
