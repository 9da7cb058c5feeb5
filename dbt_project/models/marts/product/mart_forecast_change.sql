{{ config(tags=['pass_c']) }}
{%- set parts = ['base', 'season', 'price', 'promotion', 'festival', 'other'] %}

-- One row per series and week that both this run and the last one with an earlier cutoff forecast: what the baseline was
-- then, what it is now, and which of its parts moved.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

now as (
    select * from {{ ref('stg_forecasting__demand') }}
    where freq = 'W'
),

cutoff as (
    select max(cutoff_on) as cutoff_on from now
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

before as (
    select * from landed
    qualify _load_seq = first_value(_load_seq) over (order by cutoff_on desc, _load_seq desc)
),

final as (
    select
        now.sku,
        now.channel_id,
        now.location_id,
        now.bucket_on,
        before.cutoff_on as previous_cutoff_on,
        now.cutoff_on,
        before.mean as previous_units,
        now.mean as baseline_units,
        {%- for part in parts %}
        cast({{ json_text('now.parts', part) }} as double)
        - cast({{ json_text('before.parts', part) }} as double) as {{ part }}_change_units,
        {%- endfor %}
        now.mean - before.mean as change_units
    from now
    inner join before
        on
            now.sku = before.sku
            and now.channel_id = before.channel_id
            and now.location_id = before.location_id
            and now.bucket_on = before.bucket_on
)

select * from final
