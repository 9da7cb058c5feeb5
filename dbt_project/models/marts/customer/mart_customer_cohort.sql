{{ config(tags=['pass_c']) }}

-- One row per cohort (month of the first order) and complete month since: how many came back, and what they spent.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

customers as (
    select
        customer_id,
        cohort_on
    from {{ ref('mart_customer_360') }}
),

-- A running month would look like people leaving, so only complete ones are told.
orders as (
    select
        orders.customer_id,
        customers.cohort_on,
        cast(date_trunc('month', orders.ordered_on) as date) as month_on,
        count(*) as orders,
        sum(orders.net_sales_amount) as net_sales_amount
    from {{ ref('int_customer_orders') }} as orders
    inner join customers on orders.customer_id = customers.customer_id
    cross join workspace
    where orders.ordered_on < date_trunc('month', workspace.today_on)
    group by orders.customer_id, customers.cohort_on, cast(date_trunc('month', orders.ordered_on) as date)
),

sizes as (
    select
        cohort_on,
        count(*) as customers
    from customers
    group by cohort_on
),

final as (
    select
        orders.cohort_on,
        cast(
            (extract(year from orders.month_on) - extract(year from orders.cohort_on)) * 12
            + extract(month from orders.month_on) - extract(month from orders.cohort_on) as integer
        ) as month_number,
        orders.month_on,
        sizes.customers as cohort_customers,
        count(*) as active_customers,
        cast(cast(count(*) as double) / sizes.customers as double) as retention_rate,
        cast(sum(orders.orders) as bigint) as orders,
        cast(sum(orders.net_sales_amount) as decimal(18, 4)) as net_sales_amount
    from orders
    inner join sizes on orders.cohort_on = sizes.cohort_on
    group by orders.cohort_on, orders.month_on, sizes.customers
)

select * from final
