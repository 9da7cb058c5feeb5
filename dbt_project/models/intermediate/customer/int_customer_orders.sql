-- One row per order of a customer that brings revenue; what came back of it later lowers its amount, and is no order, nor
-- is a slip of returns alone.
with

final as (
    select
        customer_id,
        order_key,
        min(sold_on) filter (where not is_back) as ordered_on,
        min(sold_hour) filter (where not is_back) as ordered_hour,
        cast(sum(net_sales_amount) as decimal(18, 4)) as net_sales_amount,
        -- Tax of several refunds may leave a fraction of a cent.
        count(*) filter (where is_back) > 0 and sum(net_sales_amount) < 0.01 as is_given_back
    from {{ ref('int_customer_lines') }}
    where is_revenue
    group by customer_id, order_key
    having count(*) filter (where not is_back) > 0
)

select * from final
