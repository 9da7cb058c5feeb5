{{ config(tags=['pass_b']) }}

-- One row per web order that a rule, its shop or people have said something about: why it is suspected, and what it
-- would have sold. Suspects are in no figure of sales; here they stand apart.
with

suspects as (
    select * from {{ ref('int_suspect_orders') }}
),

sold as (
    select
        _source,
        shop_id,
        sale_id as order_id,
        min(channel_id) as channel_id,
        min(region) as region,
        min(ordered_on) as ordered_on,
        min(not_counted_because) as not_counted_because,
        sum(case when line_kind <> 'component' then units else 0 end) as units,
        sum(gross_sales_amount) as gross_sales_amount,
        sum(net_sales_amount) as net_sales_amount
    from {{ ref('fct_sales_line') }}
    where shop_id <> '-' and line_kind <> 'refund'
    group by _source, shop_id, sale_id
),

final as (
    select
        suspects._source,
        suspects.shop_id,
        suspects.order_id,
        sold.channel_id,
        sold.region,
        sold.ordered_on,
        suspects.is_suspect,
        suspects.verdict,
        suspects.verdict_by,
        suspects.verdict_reason,
        suspects.sign_count,
        suspects.is_burst,
        coalesce(suspects.burst_orders, 0) as burst_orders,
        suspects.is_light,
        suspects.is_unmoved,
        suspects.is_instant,
        suspects.is_flagged_by_shop,
        suspects.suspect_rule,
        sold.not_counted_because,
        cast(sold.units as decimal(18, 3)) as units,
        cast(sold.gross_sales_amount as decimal(18, 4)) as gross_sales_amount,
        cast(sold.net_sales_amount as decimal(18, 4)) as net_sales_amount
    from suspects
    inner join sold
        on suspects._source = sold._source and suspects.shop_id = sold.shop_id and suspects.order_id = sold.order_id
)

select * from final
