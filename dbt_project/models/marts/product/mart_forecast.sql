{{ config(tags=['pass_c']) }}

-- One row per series and week: what was observed in the last 52 complete weeks, and what is forecast after them.
with

forecast as (
    select * from {{ ref('stg_forecasting__demand') }}
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
        weekly.*,
        cast(greatest(weekly.units + coalesce(missed.units, 0), 0) as decimal(18, 3)) as unconstrained_units
    from {{ ref('int_demand_weekly') }} as weekly
    cross join {{ ref('int_workspace') }} as workspace
    left join missed
        on weekly.sku = missed.sku and weekly.channel_id = missed.channel_id and weekly.week_on = missed.week_on
    where weekly.week_on > workspace.last_week_on - 52 * 7
),

final as (
    select
        sku,
        channel_id,
        location_id,
        'W' as freq,
        week_on as bucket_on,
        cast(null as double) as mean_units,
        cast(null as double) as q05_units,
        cast(null as double) as q10_units,
        cast(null as double) as q25_units,
        cast(null as double) as q50_units,
        cast(null as double) as q75_units,
        cast(null as double) as q90_units,
        cast(null as double) as q95_units,
        cast(null as string) as method,
        cast(null as date) as cutoff_on,
        units as observed_units,
        unconstrained_units,
        true as is_history
    from history
    union all
    select
        sku,
        channel_id,
        location_id,
        freq,
        bucket_on,
        mean as mean_units,
        q05 as q05_units,
        q10 as q10_units,
        q25 as q25_units,
        q50 as q50_units,
        q75 as q75_units,
        q90 as q90_units,
        q95 as q95_units,
        method,
        cutoff_on,
        cast(null as decimal(18, 3)) as observed_units,
        cast(null as decimal(18, 3)) as unconstrained_units,
        false as is_history
    from forecast
)

select * from final
