{{ config(materialized='view') }}

-- One row per movement, deleted ones too, and place at which it is booked, with the date there: goods leave and arrive at
-- one moment, on the date of each place.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

locations as (
    select * from {{ ref('dim_location') }}
),

movements as (
    select * from {{ ref('stg_wms__movements_all') }}
),

legs as (
    select
        _source || ':' || movement_id as movement_id,
        location_id,
        moved_at,
        visible_seq
    from movements
    union all
    select
        _source || ':' || movement_id as movement_id,
        to_location_id as location_id,
        moved_at,
        visible_seq
    from movements
    where to_location_id is not null
),

final as (
    select
        legs.movement_id,
        legs.location_id,
        {{ moved_on('legs', 'locations', 'workspace') }} as stock_on,
        legs.visible_seq
    from legs
    cross join workspace
    left join locations on legs.location_id = locations.location_id
)

select * from final
