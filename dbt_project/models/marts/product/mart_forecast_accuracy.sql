{{ config(tags=['pass_c']) }}

-- One row per run, level, class, weeks ahead and step: how the step would have done at origins before the run, and what it
-- adds to the step before it. The last step is people's: overrides whose weeks are over, beside their baselines.
with

scores as (
    select * from {{ ref('int_forecast_scores') }}
),

overrides as (
    select * from {{ ref('mart_forecast_override') }}
    where state = 'judged'
),

published as (
    select
        run_id,
        step
    from scores
    where metric = 'published' and value = 1
),

steps as (
    select
        run_id,
        max(scored_on) as scored_on,
        level,
        class,
        horizon,
        is_at_lead_time,
        step,
        case step
            when 'moving average' then 'naive'
            when 'statistical' then 'naive'
            when 'model' then 'statistical'
            when 'promotion plan' then 'model'
            when 'signals' then 'promotion plan'
        end as previous_step,
        {%- for metric in ['wape', 'bias', 'rmsse', 'pinball', 'coverage_80'] %}
        max(case when metric = '{{ metric }}' then value end) as {{ metric }},
        {%- endfor %}
        max(case when metric = 'wape' then benchmark_value end) as naive_wape
    from scores
    where metric <> 'published'
    group by run_id, level, class, horizon, is_at_lead_time, step
),

compared as (
    select
        steps.*,
        steps.step = coalesce(published.step, 'model') as is_published,
        previous.wape as previous_wape
    from steps
    left join published on steps.run_id = published.run_id
    left join steps as previous
        on
            steps.run_id = previous.run_id
            and steps.level = previous.level
            and steps.class = previous.class
            and steps.horizon = previous.horizon
            and steps.previous_step = previous.step
),

newest as (
    select
        run_id,
        max(scored_on) as scored_on
    from scores as every_run
    where every_run._load_seq = (select max(scores._load_seq) from scores)
    group by run_id
),

judged as (
    select
        newest.run_id,
        newest.scored_on,
        'override' as level,
        '*' as class,
        cast(0 as bigint) as horizon,
        'override' as step,
        {{ in_order('sum', 'overrides.override_error_units', 'overrides.override_id, overrides.bucket_on') }}
        / sum(overrides.observed_units) as wape,
        {{ in_order('sum', 'overrides.new_units - overrides.observed_units', 'overrides.override_id, overrides.bucket_on') }}
        / sum(overrides.observed_units) as bias,
        {{ in_order('sum', 'overrides.baseline_error_units', 'overrides.override_id, overrides.bucket_on') }}
        / sum(overrides.observed_units) as previous_wape
    from overrides
    cross join newest
    group by newest.run_id, newest.scored_on
    having sum(overrides.observed_units) > 0
),

told as (
    {{- stacked({
        'compared': [
            'run_id', 'scored_on', 'level', 'class', 'horizon', 'step', 'wape', 'bias', 'rmsse', 'pinball', 'coverage_80',
            'naive_wape', 'previous_wape', 'is_published', 'is_at_lead_time'
        ],
        'judged': ['run_id', 'scored_on', 'level', 'class', 'horizon', 'step', 'wape', 'bias', 'previous_wape']
    }) }}
),

final as (
    select
        told.* {{ but(['is_published', 'is_at_lead_time']) }},
        told.previous_wape - told.wape as value_added_rate,
        coalesce(told.is_published, false) as is_published,
        coalesce(told.is_at_lead_time, false) as is_at_lead_time,
        newest.run_id is not null as is_newest
    from told
    left join newest on told.run_id = newest.run_id
)

select * from final
