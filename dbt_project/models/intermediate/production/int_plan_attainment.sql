{{ config(materialized='view') }}

-- One row per line, SKU and day with a planned run: what was made, and how much of what was planned that is. What is made beyond
-- the plan does not make up for what is missing elsewhere.
with

made as (
    select
        line_id,
        sku,
        produced_on,
        sum(good_units) as good_units,
        sum(planned_units) as planned_units
    from {{ ref('fct_production_run') }}
    where planned_units is not null
    group by line_id, sku, produced_on
),

final as (
    select
        *,
        least(good_units, planned_units) as attained_units
    from made
)

select * from final
