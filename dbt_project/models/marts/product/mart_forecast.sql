{{ config(tags=['pass_c']) }}
{%- set quantiles = ['q05_units', 'q10_units', 'q25_units', 'q50_units', 'q75_units', 'q90_units', 'q95_units'] %}
{%- set parts = ['base', 'season', 'price', 'promotion', 'festival', 'other'] %}
{%- set part_units = ['base_units', 'season_units', 'price_units', 'promotion_units', 'festival_units', 'other_units'] %}
{%- set units = ['baseline_units', 'override_units', 'final_units'] + quantiles + part_units %}
{%- set key = ['sku', 'channel_id', 'location_id', 'freq', 'bucket_on', 'is_history'] %}

-- One row per series and week: what was observed in the last 52 complete weeks, and what is forecast after them: the
-- baseline with its parts, what people made of it, and the final figure with its quantiles.
with

forecast as (
    select
        * {{ but(['parts']) }},
        {%- for part in parts %}
        cast({{ json_text('parts', part) }} as double) as {{ part }}_units,
        {%- endfor %}
        false as is_history
    from {{ ref('int_forecast_final') }}
),

-- What history adds to a week behind empty shelves, and sets apart in bulk orders.
missed as (
    select
        sku,
        channel_id,
        {{ week_of('demand_on') }} as week_on,
        sum(unconstrained_units - observed_units) as units
    from {{ ref('mart_demand_history') }}
    where method <> 'observed'
    group by sku, channel_id, {{ week_of('demand_on') }}
),

history as (
    select
        weekly.sku,
        weekly.channel_id,
        weekly.location_id,
        'W' as freq,
        weekly.week_on as bucket_on,
        weekly.units as observed_units,
        cast(greatest(weekly.units + coalesce(missed.units, 0), 0) as decimal(18, 3)) as unconstrained_units,
        true as is_history
    from {{ ref('int_demand_weekly') }} as weekly
    cross join {{ ref('int_workspace') }} as workspace
    left join missed
        on weekly.sku = missed.sku and weekly.channel_id = missed.channel_id and weekly.week_on = missed.week_on
    where weekly.week_on > workspace.last_week_on - 52 * 7
),

stacked as (
    {{- stacked({
        'history': key + ['observed_units', 'unconstrained_units'],
        'forecast': key + units + ['override_id', 'method', 'cutoff_on']
    }) }}
),

final as (
    select
        sku,
        channel_id,
        location_id,
        freq,
        bucket_on,
        {%- for name in units %}
        cast({{ name }} as double) as {{ name }},
        {%- endfor %}
        cast(override_id as string) as override_id,
        cast(method as string) as method,
        cast(cutoff_on as date) as cutoff_on,
        cast(observed_units as decimal(18, 3)) as observed_units,
        cast(unconstrained_units as decimal(18, 3)) as unconstrained_units,
        is_history
    from stacked
)

select * from final
