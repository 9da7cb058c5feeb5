-- One row: what the workspace says of itself, and the business dates that follow from its clock.
with

settings as (
    select
        cast({{ workspace_setting('TILLMILL_CLOCK', '2000-01-01') }} as timestamptz) as now_at,
        {{ workspace_setting('TILLMILL_CURRENCY', 'USD') }} as currency,
        {{ workspace_setting('TILLMILL_TIMEZONE', 'UTC') }} as timezone,
        cast({{ workspace_setting('TILLMILL_DAY_STARTS_AT', '00:00') }} as time) as day_starts_at
),

measured as (
    select
        * exclude (day_starts_at),
        cast(date_part('hour', day_starts_at) * 60 + date_part('minute', day_starts_at) as integer) as day_starts_minutes
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
