-- One row per SKU, channel, day and column of what is known ahead: festivals, days off and days worked in their place, and
-- what people plan to promote; `*` for all SKUs or channels.
with

channels as (
    select * from {{ ref('channels') }}
),

plan as (
    select
        *,
        'promotion_' || lower(coalesce(mechanic, 'other')) || '_rate' as name
    from {{ ref('promotion_plan') }}
    where coalesce(status, '') <> 'cancelled'
),

festivals as (
    select
        '*' as sku,
        channels.channel_id,
        'festival_' || festivals.festival_id || '_rate' as name,
        {{ dates_from('festivals.starts_on', 'festivals.ends_on + 1', 1) }} as day_on,
        cast(1 as double) as figure
    from {{ ref('festivals') }} as festivals
    inner join channels on festivals.country = channels.country
),

-- A day off, or a weekend's day that is worked in its place.
holidays as (
    select
        '*' as sku,
        channels.channel_id,
        case when holidays.is_off_day then 'holiday_off_rate' else 'holiday_worked_rate' end as name,
        holidays.holiday_on as day_on,
        cast(1 as double) as figure
    from {{ ref('holidays') }} as holidays
    inner join channels on holidays.country = channels.country
),

promotions as (
    select
        sku,
        channel_id,
        name,
        {{ dates_from('starts_on', 'ends_on + 1', 1) }} as day_on,
        cast(1 as double) as figure
    from plan
),

price_cuts as (
    select
        sku,
        channel_id,
        'price_cut_rate' as name,
        {{ dates_from('starts_on', 'ends_on + 1', 1) }} as day_on,
        depth_rate as figure
    from plan
    where depth_rate > 0
),

presales as (
    select
        sku,
        channel_id,
        'promotion_presale_rate' as name,
        {{ dates_from('presale_from', 'starts_on', 1) }} as day_on,
        cast(1 as double) as figure
    from plan
    where presale_from < starts_on
),

days as (
    select * from festivals
    union all
    select * from holidays
    union all
    select * from promotions
    union all
    select * from price_cuts
    union all
    select * from presales
),

final as (
    select
        sku,
        channel_id,
        name,
        day_on,
        max(figure) as figure
    from days
    group by sku, channel_id, name, day_on
)

select * from final
