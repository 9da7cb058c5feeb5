{%- set quantiles = ['q05', 'q10', 'q25', 'q50', 'q75', 'q90', 'q95'] %}

-- One row per series and week of the forecast: the baseline, what an override makes of it, and the final figure that stock
-- and plan go by. An override of several series is shared out by their baselines (evenly where these are zero), so that
-- every sum of final figures is the final figure of the sum. Of several overrides the narrowest holds, then the latest.
with

forecast as (
    select * from {{ ref('stg_forecasting__demand') }}
),

products as (
    select
        sku,
        category
    from {{ ref('dim_product') }}
    where is_current
),

overrides as (
    select * from {{ ref('int_forecast_overrides') }}
    where is_counted
),

touched as (
    select
        forecast.sku,
        forecast.channel_id,
        forecast.location_id,
        forecast.bucket_on,
        forecast.mean,
        overrides.override_id,
        overrides.new_units,
        overrides.narrowness,
        overrides.observed_at
    from forecast
    left join products on forecast.sku = products.sku
    inner join overrides
        on
            forecast.bucket_on = overrides.bucket_on
            and overrides.sku in ('*', forecast.sku)
            and overrides.category in ('*', coalesce(products.category, 'unknown'))
            and overrides.channel_id in ('*', forecast.channel_id)
            and overrides.location_id in ('*', forecast.location_id)
    where forecast.freq = 'W'
),

scopes as (
    select
        override_id,
        bucket_on,
        {{ in_order('sum', 'mean', 'sku, channel_id, location_id') }} as mean,
        count(*) as series
    from touched
    group by override_id, bucket_on
),

said as (
    select
        touched.sku,
        touched.channel_id,
        touched.location_id,
        touched.bucket_on,
        touched.override_id,
        case
            when scopes.mean > 0 then touched.new_units * (touched.mean / scopes.mean)
            else touched.new_units / scopes.series
        end as override_units
    from touched
    inner join scopes on touched.override_id = scopes.override_id and touched.bucket_on = scopes.bucket_on
    qualify
        row_number() over (
            partition by touched.sku, touched.channel_id, touched.location_id, touched.bucket_on
            order by touched.narrowness desc, touched.observed_at desc, touched.override_id desc
        ) = 1
),

final as (
    select
        forecast.sku,
        forecast.channel_id,
        forecast.location_id,
        forecast.freq,
        forecast.bucket_on,
        forecast.mean as baseline_units,
        said.override_id,
        said.override_units,
        coalesce(said.override_units, forecast.mean) as final_units,
        -- As unsure as the baseline is, in proportion; where that was zero, nothing is known about it.
        {%- for name in quantiles %}
        case
            when said.override_id is null then forecast.{{ name }}
            when forecast.mean > 0 then forecast.{{ name }} * (said.override_units / forecast.mean)
            else said.override_units
        end as {{ name }}_units,
        {%- endfor %}
        forecast.parts,
        forecast.method,
        forecast.cutoff_on
    from forecast
    left join said
        on
            forecast.sku = said.sku
            and forecast.channel_id = said.channel_id
            and forecast.location_id = said.location_id
            and forecast.bucket_on = said.bucket_on
            and forecast.freq = 'W'
)

select * from final
