{{ config(materialized='view') }}

-- One row per counted line whose buyer is known: who, what, where and when. What comes back names the order it was of.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

products as (
    select * from {{ ref('dim_product') }}
    where is_current
),

-- A till writes a slip of its own for what comes back, with the sale it was of where it knows it.
returns as (
    select * from {{ ref('stg_pos__sale_lines') }}
    where line_kind = 'return'
),

final as (
    select
        identifiers.customer_id,
        sales._source || ':' || coalesce(returns.original_sale_id, sales.sale_id) as order_key,
        sales.line_kind,
        sales.line_kind in ('refund', 'return') as is_back,
        sales.is_revenue,
        sales.channel_id,
        products.category,
        sales.sold_on,
        cast(extract(hour from {{ utc_to_local('sales.sold_at', 'workspace.timezone') }}) as integer) as sold_hour,
        sales.net_sales_amount
    from {{ ref('fct_sales_line') }} as sales
    inner join {{ ref('bridge_customer_identifier') }} as identifiers on sales.record_token = identifiers.record_token
    inner join products on sales.sku = products.sku
    left join returns
        on
            sales._source = returns._source
            and sales.sale_id = returns.sale_id
            and sales.line_no = returns.line_no
            and sales.line_kind = 'return'
    cross join workspace
    where sales.is_counted
)

select * from final
