{{ config(tags=['pass_c']) }}

-- One row per override and week it speaks of: what it says beside the baseline, whether it counts, and once the week is
-- over, which of the two was nearer. The baseline of a past week is the last one that was made before it.
with

overrides as (
    select * from {{ ref('int_forecast_overrides') }}
),

products as (
    select
        sku,
        category
    from {{ ref('dim_product') }}
    where is_current
),

weeks as (
    select
        sku,
        channel_id,
        location_id,
        bucket_on,
        baseline_units,
        override_id,
        cast(null as decimal(18, 3)) as observed_units
    from {{ ref('int_forecast_final') }}
    where freq = 'W'
    union all
    select
        weekly.sku,
        weekly.channel_id,
        weekly.location_id,
        weekly.week_on as bucket_on,
        before.mean as baseline_units,
        null as override_id,
        weekly.units as observed_units
    from {{ ref('int_demand_weekly') }} as weekly
    left join {{ ref('int_forecast_before') }} as before
        on
            weekly.sku = before.sku
            and weekly.channel_id = before.channel_id
            and weekly.location_id = before.location_id
            and weekly.week_on = before.bucket_on
),

summed as (
    select
        overrides.override_id,
        overrides.bucket_on,
        {{ in_order('sum', 'weeks.baseline_units', 'weeks.sku, weeks.channel_id, weeks.location_id') }} as baseline_units,
        cast(sum(weeks.observed_units) as double) as observed_units,
        sum(case when weeks.override_id = overrides.override_id then 1 else 0 end) as held
    from overrides
    inner join weeks
        on
            overrides.bucket_on = weeks.bucket_on
            and overrides.sku in ('*', weeks.sku)
            and overrides.channel_id in ('*', weeks.channel_id)
            and overrides.location_id in ('*', weeks.location_id)
    left join products on weeks.sku = products.sku
    where overrides.category in ('*', coalesce(products.category, 'unknown'))
    group by overrides.override_id, overrides.bucket_on
),

judged as (
    select
        overrides.*,
        coalesce(summed.baseline_units, overrides.old_units) as baseline_units,
        summed.observed_units,
        coalesce(summed.held, 0) as held,
        case when overrides.is_over and overrides.did_count then summed.observed_units end as judged_by_units
    from overrides
    left join summed on overrides.override_id = summed.override_id and overrides.bucket_on = summed.bucket_on
),

final as (
    select
        override_id,
        bucket_on,
        sku,
        category,
        channel_id,
        location_id,
        case
            when judged_by_units is not null then 'judged'
            when is_over then 'lapsed'
            when is_expired then 'expired'
            when not is_approved then 'waiting'
            when held > 0 then 'in_force'
            else 'superseded'
        end as state,
        cast(old_units as double) as old_units,
        cast(baseline_units as double) as baseline_units,
        cast(new_units as double) as new_units,
        observed_units,
        abs(baseline_units - judged_by_units) as baseline_error_units,
        abs(new_units - judged_by_units) as override_error_units,
        abs(baseline_units - judged_by_units) - abs(new_units - judged_by_units) as value_added_units,
        reason_code,
        note,
        author,
        approved_by,
        expires_at
    from judged
)

select * from final
