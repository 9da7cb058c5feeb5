{{ config(tags=['pass_b']) }}

-- One row per SKU and validity: revisions come from PLM, everything else from the ERP's current item; a SKU that only
-- sales know is here too, with nothing said about it.
with

items as (
    select * from {{ ref('stg_erp__items') }}
),

revisions as (
    select * from {{ ref('stg_plm__items') }}
),

sold as (
    select id as sku from {{ ref('int_ids_undescribed') }}
    where kind = 'product'
    union
    select sku from {{ ref('stg_ecommerce__order_lines') }}
    union
    select sku from {{ ref('int_trade_lines') }}
    where sku is not null
),

workspace as (
    select * from {{ ref('int_workspace') }}
),

rates as (
    select * from {{ ref('int_currency_rates') }}
),

-- Several sources may describe one SKU; the one that spoke last is believed. Cost and price stand until they are said anew
-- and are converted at the rate of the day on which they were: at each day's rate they would change on every day.
described as (
    select
        items.*,
        {{ business_date('items.updated_at', 'workspace.timezone', 'workspace.day_starts_minutes') }} as said_on
    from items
    cross join workspace
    qualify row_number() over (partition by items.sku order by items.updated_at desc, items._source asc) = 1
),

skus as (
    select sku from described
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
        coalesce(described.name, validities.sku) as name,
        coalesce(described.brand, 'unknown') as brand,
        coalesce(described.category, 'unknown') as category,
        coalesce(described.subcategory, 'unknown') as subcategory,
        coalesce(described.base_unit, 'each') as base_unit,
        {{ converted('described.standard_cost', 'rates.rate') }} as standard_cost_amount,
        {{ converted('described.list_price', 'rates.rate') }} as list_price_amount,
        described.shelf_life_days,
        described.storage,
        described.launched_on,
        described.retired_on,
        validities.revision,
        validities.successor_sku,
        validities.specification,
        validities.valid_to = date '9999-12-31' as is_current,
        validities.valid_from,
        validities.valid_to
    from validities
    left join described on validities.sku = described.sku
    left join rates
        on described.currency = rates.currency and described.said_on >= rates.stands_from and described.said_on < rates.valid_to
)

select * from final
