-- One row per line of a purchase order that the mill or its warehouses placed: what the ERP booked in, and what is open. A line
-- that is closed, cancelled or not ordered yet brings nothing more.
with

-- Two ERPs may count their orders alike; the line that spoke last stands.
orders as (
    select * from {{ ref('stg_erp__purchase_orders') }}
    qualify row_number() over (partition by po_id, line_no order by updated_at desc, _source asc) = 1
),

locations as (
    select * from {{ ref('dim_location') }}
),

final as (
    select
        orders.po_id,
        orders.line_no,
        orders.sku,
        orders.due_on,
        coalesce(orders.received_units, 0) as booked_units,
        case
            when lower(coalesce(orders.status, '')) in ('completed', 'closed', 'received', 'cancelled', 'canceled', 'cancel', 'planned', 'draft')
                then 0
            else greatest(orders.ordered_units - coalesce(orders.received_units, 0), 0)
        end as open_units
    from orders
    left join locations on orders.location_id = locations.location_id
    where coalesce(locations.kind, 'plant') in ('plant', 'dc')
)

select * from final
