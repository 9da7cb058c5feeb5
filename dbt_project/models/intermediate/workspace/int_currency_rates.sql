-- One row per currency with a known rate: how much of the workspace's currency one unit is.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

currencies as (
    select * from {{ ref('currencies') }}
),

final as (
    select
        currency,
        cast(1 as decimal(18, 8)) as rate
    from workspace
    union all
    select
        currencies.currency,
        cast(currencies.rate_to_workspace as decimal(18, 8)) as rate
    from currencies
    cross join workspace
    where currencies.rate_to_workspace is not null and currencies.currency <> workspace.currency
)

select * from final
