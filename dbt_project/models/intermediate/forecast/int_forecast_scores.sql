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
    from {{ landed('forecasting.scores', loads='all') }} as landed
    where series = '*'
),

final as (
    select * from landed
    qualify _load_seq = max(_load_seq) over (partition by scored_week_on)
)

select * from final
