-- One row: what the workspace says of itself, and the business dates that follow from its clock.
with

settings as (
    select
        cast({{ workspace_setting('TILLMILL_CLOCK', '2000-01-01') }} as {{ instant() }}) as now_at,
        {{ workspace_setting('TILLMILL_CURRENCY', 'USD') }} as currency,
        {{ workspace_setting('TILLMILL_TIMEZONE', 'UTC') }} as timezone,
        {{ workspace_setting('TILLMILL_DAY_STARTS_AT', '00:00') }} as day_starts_at
),

measured as (
    select
        * {{ but(['day_starts_at']) }},
        cast(split_part(day_starts_at, ':', 1) as integer) * 60 + cast(split_part(day_starts_at, ':', 2) as integer) as day_starts_minutes
    from settings
),

dated as (
    select
        *,
        {{ business_date('now_at', 'timezone', 'day_starts_minutes') }} as today_on
    from measured
),

final as (
    select
        *,
        -- Today is still running, so the last complete week is the one before this day's.
        {{ week_of('today_on') }} - 7 as last_week_on
    from dated
)

select * from final
