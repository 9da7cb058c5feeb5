{{ config(tags=['pass_c']) }}

-- One row per export: who was written to and who was held out of it, and what each group bought in four weeks.
with

people as (
    select * from {{ ref('stg_customers__exports') }}
),

workspace as (
    select * from {{ ref('int_workspace') }}
),

bought as (
    select
        people.export_id,
        people.customer_id,
        count(*) as orders,
        sum(orders.net_sales_amount) as net_sales_amount
    from people
    inner join {{ ref('int_customer_orders') }} as orders on people.customer_id = orders.customer_id
    where
        orders.ordered_on >= cast(people.at as date)
        and orders.ordered_on < cast(people.at as date) + 28
    group by people.export_id, people.customer_id
),

counted as (
    select
        people.export_id,
        min(people.segment_id) as segment_id,
        min(people.purpose) as purpose,
        min(people.medium) as medium,
        min(people.at) as exported_at,
        count(*) filter (where not people.is_holdout) as exported_customers,
        count(*) filter (where people.is_holdout) as held_out_customers,
        count(bought.customer_id) filter (where not people.is_holdout) as exported_buyers,
        count(bought.customer_id) filter (where people.is_holdout) as held_out_buyers,
        coalesce(sum(bought.net_sales_amount) filter (where not people.is_holdout), 0) as exported_amount,
        coalesce(sum(bought.net_sales_amount) filter (where people.is_holdout), 0) as held_out_amount
    from people
    left join bought on people.export_id = bought.export_id and people.customer_id = bought.customer_id
    group by people.export_id
),

final as (
    select
        counted.export_id,
        counted.segment_id,
        counted.purpose,
        counted.medium,
        counted.exported_at,
        counted.exported_customers,
        counted.held_out_customers,
        counted.exported_buyers,
        counted.held_out_buyers,
        cast(counted.exported_amount as decimal(18, 4)) as exported_amount,
        cast(counted.held_out_amount as decimal(18, 4)) as held_out_amount,
        workspace.today_on >= cast(counted.exported_at as date) + 28 as is_complete
    from counted
    cross join workspace
)

select * from final
