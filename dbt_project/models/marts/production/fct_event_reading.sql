{{ config(tags=['pass_b']) }}

-- One row per alarm and measured tag of its line: what was read in the quarter of an hour before it, and while it rang.
-- Counters and readings of bad quality say nothing. How far a value moved is told in standard deviations of its readings
-- before, where there are two or more that differ.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

events as (
    {{ with_device_line(ref('stg_scada__events'), 'started_at') }}
),

placed as (
    {{ with_device_line(ref('stg_scada__readings'), 'read_at') }}
),

readings as (
    select
        _source as reading_source,
        device_id as reading_device_id,
        device_line_id as line_id,
        tag,
        unit,
        read_at,
        value
    from placed
    where quality = 'good' and value is not null and counter_raw is null
),

spans as (
    select
        line_id,
        min(read_at) as first_at,
        max(read_at) as last_at
    from readings
    group by line_id
),

alarms as (
    select
        events._source,
        events.device_id,
        events.event_id,
        coalesce(events.line_id, events.device_line_id) as line_id,
        events.started_at,
        events.started_at - interval 15 minute as before_at,
        coalesce(events.ended_at, workspace.now_at) as until_at
    from events
    cross join workspace
),

-- Most alarms are older than the oldest reading that anybody kept.
watched as (
    select alarms.*
    from alarms
    inner join spans on alarms.line_id = spans.line_id and alarms.until_at >= spans.first_at and alarms.before_at <= spans.last_at
),

met as (
    select
        watched._source,
        watched.device_id,
        watched.event_id,
        readings.* {{ but(['line_id']) }},
        readings.read_at < watched.started_at as is_before
    from watched
    inner join readings
        on
            watched.line_id = readings.line_id
            and watched.before_at <= readings.read_at
            and watched.until_at > readings.read_at
),

summed as (
    select
        _source,
        device_id,
        event_id,
        reading_source,
        reading_device_id,
        tag,
        max(unit) as unit,
        {% for part, when in [('before', 'is_before'), ('during', 'not is_before')] -%}
        count(case when {{ when }} then value end) as {{ part }}_readings,
        {{ in_order('avg', 'case when ' ~ when ~ ' then value end', 'read_at') }} as {{ part }}_mean,
        min(case when {{ when }} then value end) as {{ part }}_min,
        max(case when {{ when }} then value end) as {{ part }}_max,
        {% endfor -%}
        {{ in_order('stddev_samp', 'case when is_before then value end', 'read_at') }} as before_sigma
    from met
    group by _source, device_id, event_id, reading_source, reading_device_id, tag
),

final as (
    select
        * {{ but(['before_sigma']) }},
        round(before_sigma, 9) as before_sigma,
        round(abs(during_mean - before_mean) / nullif(round(before_sigma, 9), 0), 4) as moved_sigmas
    from summed
)

select * from final
