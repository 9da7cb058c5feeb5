{{ config(tags=['pass_b']) }}

-- One row per channel, place, region, SKU and day: counted sales from gross to contribution margin 1.
with

lines as (
    select * from {{ ref('fct_sales_line') }}
    where is_counted and is_revenue
),

products as (
    select * from {{ ref('dim_product') }}
    where is_current
),

grouped as (
    select
        channel_id,
        location_id,
        region,
        sku,
        sold_on,
        count(distinct case when line_kind <> 'refund' then _source || ':' || sale_id end) as orders,
        -- A bundle and its components are the same goods.
        coalesce(sum(units) filter (where line_kind <> 'component'), 0) as units,
        sum(gross_sales_amount) as gross_sales_amount,
        sum(discount_amount) as discount_amount,
        sum(borne_by_others_amount) as borne_by_others_amount,
        sum(refund_amount) as refund_amount,
        sum(tax_amount) as tax_amount,
        sum(net_sales_amount) as net_sales_amount,
        sum(cost_amount) as cost_amount
    from lines
    group by channel_id, location_id, region, sku, sold_on
),

final as (
    select
        grouped.channel_id,
        grouped.location_id,
        grouped.region,
        grouped.sku,
        products.category,
        grouped.sold_on,
        grouped.orders,
        cast(grouped.units as decimal(18, 3)) as units,
        cast(grouped.gross_sales_amount as decimal(18, 4)) as gross_sales_amount,
        cast(grouped.discount_amount as decimal(18, 4)) as discount_amount,
        cast(grouped.borne_by_others_amount as decimal(18, 4)) as borne_by_others_amount,
        cast(grouped.refund_amount as decimal(18, 4)) as refund_amount,
        cast(grouped.tax_amount as decimal(18, 4)) as tax_amount,
        cast(grouped.net_sales_amount as decimal(18, 4)) as net_sales_amount,
        cast(grouped.cost_amount as decimal(18, 4)) as cost_amount,
        cast(grouped.net_sales_amount - grouped.cost_amount as decimal(18, 4)) as contribution_margin_1_amount
    from grouped
    inner join products on grouped.sku = products.sku
)

select * from final
