-- One row per customer, category and day on which it was bought.
with

final as (
    select
        customer_id,
        category,
        sold_on,
        cast(sum(net_sales_amount) as decimal(18, 4)) as net_sales_amount
    from {{ ref('int_customer_lines') }}
    where is_revenue and not is_back and category is not null
    group by customer_id, category, sold_on
)

select * from final
