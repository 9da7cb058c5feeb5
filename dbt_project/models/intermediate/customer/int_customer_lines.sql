{{ config(materialized='view') }}

-- One row per counted line whose buyer is known: who, what, where and when.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

products as (
    select * from {{ ref('dim_product') }}
    where is_current
),

final as (
    select
        identifiers.customer_id,
        sales._source || ':' || sales.sale_id as order_key,
        sales.line_kind,
        sales.is_revenue,
        sales.channel_id,
        products.category,
        sales.sold_on,
        cast(extract(hour from {{ utc_to_local('sales.sold_at', 'workspace.timezone') }}) as integer) as sold_hour,
        sales.net_sales_amount
    from {{ ref('fct_sales_line') }} as sales
    inner join {{ ref('bridge_customer_identifier') }} as identifiers on sales.record_token = identifiers.record_token
    inner join products on sales.sku = products.sku
    cross join workspace
    where sales.is_counted
)

select * from final
