{%- set key = 'sku, channel_id, location_id, freq, bucket_on' %}

-- One row per series and week of the last half-year that is over: the last forecast made before it began. A run of today
-- may know the week already, so a forecast counts by its cutoff, whichever run made it.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

runs as (
    select
        landed.sku,
        landed.channel_id,
        landed.location_id,
        landed.freq,
        landed.bucket_on,
        landed.mean,
        landed.q10,
        landed.q90,
        landed.cutoff_on,
        landed._load_seq,
        landed._row
    from {{ landed('forecasting.demand', loads='all') }} as landed
    cross join workspace
    where
        landed.bucket_on <= workspace.last_week_on
        and landed.bucket_on > workspace.last_week_on - 26 * 7
        and landed.cutoff_on < landed.bucket_on
),

final as (
    select * from runs
    qualify row_number() over (partition by {{ key }} order by cutoff_on desc, _load_seq desc, _row desc) = 1
)

select * from final
