{{ config(tags=['pass_b']) }}

-- One row per SKU and validity: revisions come from PLM, everything else from the ERP's current item; a SKU that only
-- sales know is here too, with nothing said about it.
with

items as (
    select * from {{ ref('int_items') }}
),

bundles as (
    select * from {{ ref('int_bundle_costs') }}
),

revisions as (
    select * from {{ ref('stg_plm__items') }}
),

sold as (
    select id as sku from {{ ref('int_ids_undescribed') }}
    where kind = 'product'
    union
    select sku from {{ ref('int_order_lines') }}
    union
    select sku from {{ ref('int_trade_lines') }}
    where sku is not null
),

skus as (
    select sku from items
    union
    select sku from sold
),

-- Of two revisions that begin on one day the later one is in force.
dated as (
    select
        coalesce(sku, item_id) as sku,
        revision,
        successor_sku,
        specification,
        coalesce(effective_from, date '1900-01-01') as valid_from
    from revisions
    qualify row_number() over (partition by coalesce(sku, item_id), valid_from order by revision desc, _source asc) = 1
),

validities as (
    select
        skus.sku,
        dated.revision,
        dated.successor_sku,
        dated.specification,
        -- The first revision speaks for the time before it as well.
        case
            when row_number() over (partition by skus.sku order by dated.valid_from) = 1 then date '1900-01-01'
            else dated.valid_from
        end as valid_from,
        coalesce(lead(dated.valid_from) over (partition by skus.sku order by dated.valid_from) - 1, date '9999-12-31') as valid_to
    from skus
    left join dated on skus.sku = dated.sku
),

final as (
    select
        validities.sku,
        coalesce(items.name, validities.sku) as name,
        coalesce(items.brand, 'unknown') as brand,
        coalesce(items.category, 'unknown') as category,
        coalesce(items.subcategory, 'unknown') as subcategory,
        coalesce(items.base_unit, 'each') as base_unit,
        -- A bundle that nobody prices costs what is in it.
        coalesce(items.standard_cost_amount, bundles.standard_cost_amount) as standard_cost_amount,
        items.list_price_amount,
        items.shelf_life_days,
        items.storage,
        items.launched_on,
        items.retired_on,
        validities.revision,
        validities.successor_sku,
        validities.specification,
        validities.valid_to = date '9999-12-31' as is_current,
        validities.valid_from,
        validities.valid_to
    from validities
    left join items on validities.sku = items.sku
    left join bundles on validities.sku = bundles.sku
)

select * from final
