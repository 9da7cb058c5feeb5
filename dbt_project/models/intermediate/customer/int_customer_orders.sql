-- One row per order of a customer; what came back of it later lowers its amount, and is no order.
with

final as (
    select
        customer_id,
        order_key,
        min(sold_on) filter (where line_kind <> 'refund') as ordered_on,
        min(sold_hour) filter (where line_kind <> 'refund') as ordered_hour,
        cast(sum(net_sales_amount) as decimal(18, 4)) as net_sales_amount
    from {{ ref('int_customer_lines') }}
    group by customer_id, order_key
    having count(*) filter (where line_kind <> 'refund') > 0
)

select * from final
