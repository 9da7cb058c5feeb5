{{ config(materialized='view') }}

-- One row per thing of today that lines of long ago depend on, with what they take from it: a place, a product, a
-- currency's rate from a date on; and one that says up to which load tills were read.
with

final as (
    select
        'location' as kind,
        locations.location_id as id,
        {{ ever() }} as valid_from,
        concat_ws('|', locations.channel_id, locations.region, locations.timezone, workspace.day_starts_minutes) as value,
        cast(null as bigint) as visible_seq
    from {{ ref('dim_location') }} as locations
    cross join {{ ref('int_workspace') }} as workspace
    union all
    select
        'product' as kind,
        sku as id,
        {{ ever() }} as valid_from,
        concat_ws('|', category, coalesce(cast(standard_cost_amount as string), '-')) as value,
        cast(null as bigint) as visible_seq
    from {{ ref('dim_product') }}
    where is_current
    union all
    select
        'currency' as kind,
        currency as id,
        valid_from,
        cast(rate as string) as value,
        cast(null as bigint) as visible_seq
    from {{ ref('int_currency_rates') }}
    union all
    select
        'load' as kind,
        'pos.sale_lines' as id,
        {{ ever() }} as valid_from,
        '-' as value,
        coalesce(max(visible_seq), 0) as visible_seq
    from {{ ref('stg_pos__sale_lines_all') }}
)

select * from final
