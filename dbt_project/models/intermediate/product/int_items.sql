-- One row per SKU that a source describes. Of several sources the one that spoke last is believed. Cost and price stand until
-- they are said anew and are converted at the rate of the day on which they were: at each day's rate they would change daily.
with

items as (
    select * from {{ ref('stg_erp__items') }}
    qualify row_number() over (partition by sku order by updated_at desc, _source asc) = 1
),

workspace as (
    select * from {{ ref('int_workspace') }}
),

rates as (
    select * from {{ ref('int_currency_rates') }}
),

dated as (
    select
        items.*,
        {{ business_date('items.updated_at', 'workspace.timezone', 'workspace.day_starts_minutes') }} as said_on
    from items
    cross join workspace
),

final as (
    select
        dated.* {{ but(['standard_cost', 'list_price', 'currency', 'said_on']) }},
        {{ converted('dated.standard_cost', 'rates.rate') }} as standard_cost_amount,
        {{ converted('dated.list_price', 'rates.rate') }} as list_price_amount
    from dated
    left join rates
        on dated.currency = rates.currency and dated.said_on >= rates.stands_from and dated.said_on < rates.valid_to
)

select * from final
