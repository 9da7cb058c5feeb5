{{ config(tags=['pass_b']) }}
{%- set told = ['location_id', 'trust', 'kind'] %}

-- One row per place where goods are made, kept or sold; a store that only the till knows is here too.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

channels as (
    select * from {{ ref('channels') }}
),

stores as (
    select
        *,
        store_id as location_id,
        1 as trust,
        'store' as kind
    from {{ ref('stg_pos__stores') }}
),

warehouses as (
    select
        location_id,
        region,
        timezone,
        owner,
        2 as trust,
        case when kind in ('platform', 'distributor') then 'web' when kind = 'third_party' then 'dc' else coalesce(kind, 'dc') end as kind
    from {{ ref('stg_wms__locations') }}
),

shops as (
    select
        *,
        shop_id as location_id,
        3 as trust,
        'web' as kind
    from {{ ref('shops') }}
),

-- Stores that only the till knows.
tills as (
    select
        id as location_id,
        4 as trust,
        'store' as kind
    from {{ ref('int_ids_undescribed') }}
    where kind = 'location'
),

default_channel as (
    select coalesce(min_by(channel_id, (position, channel_id)), 'store') as channel_id
    from channels
    where kind = 'store'
),

described as (
    {{- stacked({
        'stores': told + ['name', 'channel_id', 'region', 'city', 'timezone', 'opened_on', 'closed_on'],
        'warehouses': told + ['region', 'timezone', 'owner'],
        'shops': told + ['name', 'channel_id', 'timezone'],
        'tills': told
    }) }}
),

-- The best described of several rows for one place; their sources agree on nothing but the id.
merged as (
    select
        location_id,
        min_by(name, (trust, name)) filter (where name is not null) as name,
        min_by(kind, (trust, kind)) as kind,
        min_by(channel_id, (trust, channel_id)) filter (where channel_id is not null) as channel_id,
        min_by(region, (trust, region)) filter (where region is not null) as region,
        min_by(city, (trust, city)) filter (where city is not null) as city,
        min_by(timezone, (trust, timezone)) filter (where timezone is not null) as timezone,
        min_by(owner, (trust, owner)) filter (where owner is not null) as owner,
        min_by(opened_on, (trust, opened_on)) filter (where opened_on is not null) as opened_on,
        min_by(closed_on, (trust, closed_on)) filter (where closed_on is not null) as closed_on
    from described
    group by location_id
),

final as (
    select
        merged.location_id,
        coalesce(merged.name, merged.location_id) as name,
        merged.kind,
        case when merged.kind = 'store' then coalesce(merged.channel_id, default_channel.channel_id) else coalesce(merged.channel_id, '-') end
            as channel_id,
        coalesce(merged.region, '-') as region,
        coalesce(merged.city, '-') as city,
        coalesce(merged.timezone, workspace.timezone) as timezone,
        coalesce(merged.owner, 'brand') as owner,
        coalesce(merged.owner, 'brand') <> 'sold' as is_ours,
        merged.opened_on,
        merged.closed_on
    from merged
    cross join workspace
    cross join default_channel
)

select * from final
