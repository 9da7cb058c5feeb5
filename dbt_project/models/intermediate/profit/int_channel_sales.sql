{{ restates('int_sales_restated_days') }}

-- One row per channel, shop, place, region, SKU and day: counted sales to shoppers from gross to cost of goods.
with

lines as (
    select * from {{ ref('fct_sales_line') }}
    where is_counted and is_revenue and sales_view = 'sell_out' and {{ is_restated('sold_on', 'int_sales_restated_days') }}
),

products as (
    select
        sku,
        category
    from {{ ref('dim_product') }}
    where is_current
),

grouped as (
    select
        channel_id,
        shop_id,
        location_id,
        region,
        sku,
        sold_on,
        -- Sums of decimals are 38 digits wide, and everything reckoned with them is slow until they are narrow again.
        count(*) filter (where is_first_of_sku) as orders,
        -- A bundle and its components are the same goods.
        cast(coalesce(sum(units) filter (where line_kind <> 'component'), 0) as decimal(18, 3)) as units,
        cast(sum(gross_sales_amount) as decimal(18, 4)) as gross_sales_amount,
        cast(sum(discount_amount) as decimal(18, 4)) as discount_amount,
        cast(sum(borne_by_others_amount) as decimal(18, 4)) as borne_by_others_amount,
        cast(sum(refund_amount) as decimal(18, 4)) as refund_amount,
        cast(sum(tax_amount) as decimal(18, 4)) as tax_amount,
        cast(sum(net_sales_amount) as decimal(18, 4)) as net_sales_amount,
        cast(sum(cost_amount) as decimal(18, 4)) as cost_amount,
        -- Shares are of what was sold: a refund gives back neither a lorry nor a commission.
        cast(coalesce(sum(net_sales_amount) filter (where line_kind <> 'refund'), 0) as decimal(18, 4)) as sold_amount
    from lines
    group by channel_id, shop_id, location_id, region, sku, sold_on
),

final as (
    select
        grouped.*,
        coalesce(products.category, '-') as category
    from grouped
    left join products on grouped.sku = products.sku
)

select * from final
