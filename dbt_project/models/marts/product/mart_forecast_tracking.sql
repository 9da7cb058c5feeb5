{{ config(tags=['pass_c']) }}
{%- set levels = {'all': "'*'", 'category': 'category', 'series': "sku || ' × ' || channel_id || ' × ' || location_id"} %}

-- One row per level and node: the forecasts made before the weeks of the last half-year beside what came. Errors that keep
-- their sign add up to a tracking signal; errors that grow are drift; both alarm once there are weeks enough to tell.
with

products as (
    select
        sku,
        category
    from {{ ref('dim_product') }}
    where is_current
),

known as (
    select
        weekly.sku,
        weekly.channel_id,
        weekly.location_id,
        coalesce(products.category, 'unknown') as category,
        weekly.week_on,
        before.mean as forecast_units,
        cast(weekly.units as double) as observed_units
    from {{ ref('int_forecast_before') }} as before
    inner join {{ ref('int_demand_weekly') }} as weekly
        on
            before.sku = weekly.sku
            and before.channel_id = weekly.channel_id
            and before.location_id = weekly.location_id
            and before.bucket_on = weekly.week_on
    left join products on weekly.sku = products.sku
    where before.freq = 'W'
),

nodes as (
    {%- for level, node in levels.items() %}
    select
        '{{ level }}' as level,
        {{ node }} as node,
        week_on,
        {{ in_order('sum', 'forecast_units', 'sku, channel_id, location_id') }} as forecast_units,
        sum(observed_units) as observed_units
    from known
    group by {{ node if level != 'all' else 'level' }}, week_on
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

numbered as (
    select
        *,
        forecast_units - observed_units as error_units,
        row_number() over (partition by level, node order by week_on desc) as weeks_ago
    from nodes
),

summed as (
    select
        level,
        node,
        min(week_on) as first_week_on,
        max(week_on) as last_week_on,
        count(*) as weeks,
        {{ in_order('sum', 'forecast_units', 'week_on') }} as forecast_units,
        sum(observed_units) as observed_units,
        {{ in_order('sum', 'error_units', 'week_on') }} as error_units,
        {{ in_order('sum', 'abs(error_units)', 'week_on') }} as absolute_error_units,
        {{ in_order('sum', 'case when weeks_ago <= 4 then abs(error_units) end', 'week_on') }} as recent_error_units,
        sum(case when weeks_ago <= 4 then observed_units end) as recent_observed_units
    from numbered
    group by level, node
),

measured as (
    select
        *,
        absolute_error_units / nullif(observed_units, 0) as wape,
        error_units / nullif(observed_units, 0) as bias,
        error_units * weeks / nullif(absolute_error_units, 0) as tracking_signal,
        recent_error_units / nullif(recent_observed_units, 0)
        / nullif(
            (absolute_error_units - recent_error_units) / nullif(observed_units - recent_observed_units, 0), 0
        ) as drift_ratio
    from summed
),

final as (
    select
        *,
        weeks >= {{ var('tracking_weeks') }}
        and coalesce(abs(tracking_signal) > {{ var('tracking_signal') }}, false) as is_biased,
        weeks >= {{ var('tracking_weeks') }} + 4 and coalesce(drift_ratio > {{ var('drift_ratio') }}, false) as is_drifting
    from measured
)

select * from final
