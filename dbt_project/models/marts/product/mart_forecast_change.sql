{{ config(tags=['pass_c']) }}
{%- set parts = ['base', 'season', 'price', 'promotion', 'festival', 'other'] %}

-- One row per series and week that both this run and the last one with an earlier cutoff forecast: what the baseline was
-- then, what it is now, and which of its parts moved.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

latest as (
    select * from {{ ref('stg_forecasting__demand') }}
    where freq = 'W'
),

cutoff as (
    select max(cutoff_on) as cutoff_on from latest
),

landed as (
    select landed.*
    from {{ landed('forecasting.demand', loads='all') }} as landed
    cross join workspace
    cross join cutoff
    where
        landed.freq = 'W'
        and landed.cutoff_on < cutoff.cutoff_on
        and landed.bucket_on > workspace.last_week_on
),

earlier as (
    select * from landed
    qualify _load_seq = first_value(_load_seq) over (order by cutoff_on desc, _load_seq desc)
),

final as (
    select
        latest.sku,
        latest.channel_id,
        latest.location_id,
        latest.bucket_on,
        earlier.cutoff_on as previous_cutoff_on,
        latest.cutoff_on,
        earlier.mean as previous_units,
        latest.mean as baseline_units,
        {%- for part in parts %}
        cast({{ json_text('latest.parts', part) }} as double)
        - cast({{ json_text('earlier.parts', part) }} as double) as {{ part }}_change_units,
        {%- endfor %}
        latest.mean - earlier.mean as change_units
    from latest
    inner join earlier
        on
            latest.sku = earlier.sku
            and latest.channel_id = earlier.channel_id
            and latest.location_id = earlier.location_id
            and latest.bucket_on = earlier.bucket_on
)

select * from final
