{{ config(tags=['pass_b']) }}{{ restates('int_sales_restated_days') }}

-- One row per sold line, return or refund, over tills and web shops, each sale counted once, and beside them, never among
-- them, what passes to and through the trade; in the workspace's currency. Days that new loads touch are restated.
with

lines as (
    select * from {{ ref('int_sales_lines') }}
    where {{ is_restated('sold_on', 'int_sales_restated_days') }} and ({{ may_be_restated('sold_at', 'int_sales_restated_days') }})
),

-- Read for itself: an engine that holds a common expression in memory would hold every line.
sales as (
    select * from {{ ref('int_sales_lines') }}
    where {{ is_restated('sold_on', 'int_sales_restated_days') }} and ({{ may_be_restated('sold_at', 'int_sales_restated_days') }})
),

-- Few sales have a SKU on two lines; a join with those few is cheaper than a window over all.
repeated as (
    select
        _source,
        shop_id,
        location_id,
        sale_id,
        sku,
        sold_on,
        min(line_no) as first_line_no
    from sales
    where is_counted and is_revenue and sales_view = 'sell_out' and line_kind not in ('refund', 'return')
    group by _source, shop_id, location_id, sale_id, sku, sold_on
    having count(*) > 1
),

final as (
    select
        lines.*,
        lines.is_counted and lines.is_revenue and lines.sales_view = 'sell_out' and lines.line_kind not in ('refund', 'return')
        and lines.line_no = coalesce(repeated.first_line_no, lines.line_no) as is_first_of_sku
    from lines
    left join repeated
        on
            lines._source = repeated._source
            and lines.shop_id = repeated.shop_id
            and lines.location_id = repeated.location_id
            and lines.sale_id = repeated.sale_id
            and lines.sku = repeated.sku
            and lines.sold_on = repeated.sold_on
)

select * from final
