-- One row per production order that is still open, what it has yet to bring and whether the mill is bound to it, and per part
-- of a purchase order that is yet to come. What is overdue keeps its date; the plan expects it in its first week.
with

orders as (
    select * from {{ ref('stg_erp__production_orders') }}
    where lower(coalesce(status, '')) not in ('completed', 'closed', 'cancelled', 'canceled')
),

made as (
    select
        work_orders.order_id,
        sum(results.good_units) as good_units
    from {{ ref('stg_mes__results') }} as results
    inner join {{ ref('stg_mes__work_orders') }} as work_orders
        on results._source = work_orders._source and results.work_order_id = work_orders.work_order_id
    group by work_orders.order_id
),

produced as (
    select
        orders.order_id as receipt_id,
        orders.sku,
        cast(orders.ordered_units - coalesce(made.good_units, 0) as double) as units,
        orders.due_on,
        'production' as kind,
        lower(coalesce(orders.status, '')) <> 'planned' as is_firm
    from orders
    left join made on orders.order_id = made.order_id
    where orders.ordered_units > coalesce(made.good_units, 0)
    -- Two ERPs may count their orders alike; the order that spoke last stands.
    qualify row_number() over (partition by orders.order_id order by orders.updated_at desc, orders._source asc) = 1
),

receipts as (
    select * from produced
    union all
    select
        receipt_id,
        sku,
        units,
        due_on,
        'purchase' as kind,
        true as is_firm
    from {{ ref('int_planning_purchases') }}
),

workspace as (
    select * from {{ ref('int_workspace') }}
),

final as (
    select
        receipts.receipt_id,
        receipts.sku,
        'PLANT' as location_id,
        receipts.units,
        coalesce(receipts.due_on, workspace.today_on) as due_on,
        receipts.kind,
        receipts.is_firm
    from receipts
    cross join workspace
)

select * from final
