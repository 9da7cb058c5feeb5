-- One row per currency and span of dates with one rate: how much of the workspace's currency one unit is. What was told of
-- a day holds until the next day that is told of; before the first of them the reference table's rate does, if it has one.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

-- Several sources may tell of a day; the one that spoke last is believed.
daily as (
    select
        currency,
        {{ named('on') }} as valid_from,
        {{ to_decimal('rate', 8) }} as rate
    from {{ ref('stg_erp__exchange_rates') }}
    qualify row_number() over (partition by currency, {{ named('on') }} order by observed_at desc, _source asc) = 1
),

foreign_rates as (
    select
        currency,
        {{ ever() }} as valid_from,
        {{ to_decimal('rate_to_workspace', 8) }} as rate
    from {{ ref('currencies') }}
    where rate_to_workspace is not null
    union all
    select * from daily
),

told as (
    select
        currency,
        {{ ever() }} as valid_from,
        cast(1 as decimal(18, 8)) as rate
    from workspace
    union all
    select foreign_rates.*
    from foreign_rates
    cross join workspace
    where foreign_rates.currency <> workspace.currency
),

final as (
    select
        currency,
        valid_from,
        lead(valid_from, 1, date '9999-12-31') over (partition by currency order by valid_from) as valid_to,
        -- What stands since before the first known rate, such as a cost, is converted at that one.
        case when row_number() over (partition by currency order by valid_from) = 1 then {{ ever() }} else valid_from end as stands_from,
        rate
    from told
)

select * from final
