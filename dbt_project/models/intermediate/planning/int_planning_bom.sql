-- One row per component of a parent from a date on.
with

bom as (
    select * from {{ ref('stg_plm__bom') }}
),

final as (
    select
        parent_sku,
        component_sku,
        effective_from,
        quantity_per,
        coalesce(scrap_rate, 0) as scrap_rate,
        effective_to,
        alternate_group,
        priority
    from bom
    qualify row_number() over (partition by parent_sku, component_sku, effective_from order by observed_at desc, _source asc) = 1
)

select * from final
