{{ config(tags=['pass_a']) }}

-- One row per day of the forty years from 2000 on: the time that metrics are counted over.
with

digits as (
    select cast(digit as integer) as digit
    from (values ({{ range(100) | join('), (') }})) as listed (digit)
),

numbered as (
    select ones.digit + 100 * hundreds.digit + 10000 * myriads.digit as days
    from digits as ones
    cross join digits as hundreds
    cross join digits as myriads
    where myriads.digit < 2
),

dated as (
    select cast('2000-01-01' as date) + days as day_on
    from numbered
    where days < 14610
),

final as (
    select
        day_on,
        {{ week_of('day_on') }} as week_on,
        cast(date_trunc('month', day_on) as date) as month_on
    from dated
)

select * from final
