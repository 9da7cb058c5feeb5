{{ config(materialized='view') }}
{%- set signed_columns = ['units', 'net_amount', 'gross_amount', 'discount_amount', 'tax_amount'] %}

-- One row per till line, in the shape of fct_sales_line but before conversion: amounts as stated, in their currency.
with

lines as (
    select * from {{ ref('stg_pos__sale_lines') }}
),

orders as (
    select * from {{ ref('stg_ecommerce__orders') }}
),

locations as (
    select * from {{ ref('dim_location') }}
),

workspace as (
    select * from {{ ref('int_workspace') }}
),

order_ids as (
    select platform_order_id as order_id from orders
    where platform_order_id is not null
    union
    select order_id from orders
),

-- What comes back is taken off, whichever sign its source writes.
signed as (
    select
        {%- for column in signed_columns %}
        case when line_kind = 'return' then -abs({{ column }}) else {{ column }} end as {{ column }},
        {%- endfor %}
        * {{ but(signed_columns) }}
    from lines
),

-- Net sales are without tax, gross sales with it, whichever way the source states them.
stated as (
    select
        *,
        net_amount - case when is_tax_inclusive then coalesce(tax_amount, 0) else 0 end as untaxed_amount
    from signed
),

final as (
    select
        lines._source || ':' || lines.sale_id || ':' || lines.line_no as sales_line_id,
        lines._source,
        lines.sale_id,
        lines.line_no,
        lines.line_kind,
        locations.channel_id,
        '-' as shop_id,
        lines.store_id as location_id,
        locations.region,
        lines.sku,
        lines.sold_at,
        {{ business_date('lines.sold_at', 'locations.timezone', 'workspace.day_starts_minutes') }} as sold_on,
        sold_on as ordered_on,
        lines.units,
        coalesce(lines.tax_amount, 0) as tax_amount,
        lines.net_amount as stated_amount,
        lines.untaxed_amount as net_amount,
        case
            when lines.gross_amount is null
                then lines.untaxed_amount + coalesce(lines.tax_amount, 0) + coalesce(lines.discount_amount, 0)
            when lines.is_tax_inclusive then lines.gross_amount
            else lines.gross_amount + coalesce(lines.tax_amount, 0)
        end as gross_amount,
        cast(0 as decimal(18, 4)) as refund_amount,
        cast(0 as decimal(18, 4)) as borne_by_others_amount,
        lines.currency,
        lines.promotion_id,
        case when lines.member_id_token is not null then {{ record_token('lines._source', 'sale', 'lines.sale_id') }} end as record_token,
        lines.platform_order_id,
        lines.line_kind in ('sale', 'gift', 'sample') as is_demand,
        false as is_sold_elsewhere,
        false as is_suspect,
        case when order_ids.order_id is not null then 'seen twice' end as not_counted_because
    from stated as lines
    inner join locations on lines.store_id = locations.location_id
    left join order_ids on lines.platform_order_id = order_ids.order_id
    cross join workspace
)

select * from final
