-- One row per result and reason: minutes of unplanned stops that fall into it.
with

results as (
    select * from {{ ref('stg_mes__results') }}
),

stops as (
    select * from {{ ref('int_line_stops') }}
),

met as (
    select
        results._source,
        results.result_id,
        stops.reason,
        {{ seconds_between('greatest(results.started_at, stops.started_at)', 'least(results.ended_at, stops.ended_at)') }} as seconds
    from results
    inner join stops
        on
            results.line_id = stops.line_id
            and results.started_at < stops.ended_at
            and results.ended_at > stops.started_at
),

final as (
    select
        _source,
        result_id,
        reason,
        cast(sum(seconds) as double) / 60 as minutes,
        count(*) as stops
    from met
    group by _source, result_id, reason
)

select * from final
