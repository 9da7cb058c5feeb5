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
        count(*) filter (where is_first_of_sku) as orders,
        -- A bundle and its components are the same goods.
        coalesce(sum(units) filter (where line_kind <> 'component'), 0) as units,
        sum(gross_sales_amount) as gross_sales_amount,
        sum(discount_amount) as discount_amount,
        sum(borne_by_others_amount) as borne_by_others_amount,
        sum(refund_amount) as refund_amount,
        sum(tax_amount) as tax_amount,
        sum(net_sales_amount) as net_sales_amount,
        sum(cost_amount) as cost_amount,
        -- Shares are of what was sold: a refund gives back neither a lorry nor a commission.
        coalesce(sum(net_sales_amount) filter (where line_kind <> 'refund'), 0) as sold_amount
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
