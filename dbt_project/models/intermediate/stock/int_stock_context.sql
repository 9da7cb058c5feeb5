{{ config(materialized='view') }}

-- One row per thing of today that bookings of long ago depend on, with what they take from it: where a day begins, whether
-- a place is a store and in which zone, that somebody counts a SKU in a store; and two that say up to which loads movements and counts were
-- read.
with

locations as (
    select * from {{ ref('dim_location') }}
),

final as (
    select
        'days' as kind,
        '-' as location_id,
        '-' as sku,
        concat_ws('|', timezone, day_starts_minutes) as value,
        cast(null as bigint) as visible_seq
    from {{ ref('int_workspace') }}
    union all
    select
        'location' as kind,
        location_id,
        '-' as sku,
        concat_ws('|', case when locations.kind = 'store' then 'store' else '-' end, locations.timezone) as value,
        cast(null as bigint) as visible_seq
    from locations
    union all
    -- Elsewhere books are kept whether anybody counts or not.
    select distinct
        'counted' as kind,
        counts.location_id,
        counts.sku,
        '-' as value,
        cast(null as bigint) as visible_seq
    from {{ ref('stg_wms__stock') }} as counts
    left join locations on counts.location_id = locations.location_id
    where coalesce(locations.kind, 'store') = 'store'
    {%- for kind, versions in {'movements': ref('stg_wms__movements_all'), 'counts': ref('stg_wms__stock_all')}.items() %}
    union all
    select
        '{{ kind }}' as kind,
        '-' as location_id,
        '-' as sku,
        '-' as value,
        coalesce(max(visible_seq), 0) as visible_seq
    from {{ versions }}
    {%- endfor %}
)

select * from final
