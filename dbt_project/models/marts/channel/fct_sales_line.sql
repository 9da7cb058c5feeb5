{{ config(
    tags=['pass_b'], materialized='incremental', incremental_strategy='restate', unique_key='sold_on', on_schema_change='fail'
) }}

-- One row per sold line, return or refund, over tills and web shops, each sale counted once, and beside them, never among
-- them, what passes to and through the trade; in the workspace's currency. Days that new loads touch are restated.
with

lines as (
    select * from {{ ref('int_sales_lines') }}
),

final as (
    select * from lines
    where {{ is_restated('sold_on') }} and ({{ may_be_restated('sold_at') }})
)

select * from final
