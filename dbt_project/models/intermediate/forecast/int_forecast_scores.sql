-- One row per figure that a run scored, of the last run of each week: the runs between tried the same weeks again.
with

landed as (
    select
        run_id,
        level,
        class,
        step,
        horizon,
        metric,
        value,
        benchmark_value,
        {{ week_of('observed_at') }} as scored_week_on,
        cast(observed_at as date) as scored_on,
        _load_seq
    from {{ landed('forecasting.scores', loads='all') }} as scored
    where series = '*'
),

lead as (
    select * from {{ ref('int_forecast_lead_time') }}
),

final as (
    select
        landed.*,
        -- A run that looked less far ahead is judged by its farthest week.
        landed.horizon = least(lead.weeks_ahead, max(landed.horizon) over (partition by landed.run_id)) as is_at_lead_time
    from landed
    cross join lead
    qualify landed._load_seq = max(landed._load_seq) over (partition by landed.scored_week_on)
)

select * from final
