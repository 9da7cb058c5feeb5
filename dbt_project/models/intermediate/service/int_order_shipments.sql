-- One row per order line and shipment of it: units sent and when, units received and when (null: nobody says). A parcel
-- names an order and a SKU; where an order has the SKU on several lines, the first line is served first.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

lines as (
    select
        *,
        sum(ordered_units) over (partition by _source, account_id, order_id, sku order by line_no rows unbounded preceding) as line_end
    from {{ ref('int_order_promises') }}
    where order_kind = 'web'
),

orders as (
    select
        _source,
        order_id,
        max(completed_at) as completed_at,
        count(*) over (partition by order_id) as shops
    from {{ ref('stg_ecommerce__orders') }}
    group by _source, order_id
),

parcels as (
    select
        _source,
        order_id,
        sku,
        units,
        shipped_at,
        delivered_at
    from {{ ref('stg_ecommerce__shipments') }}
    where shipped_at is not null
    union all
    -- Of what no shop tells, the warehouse knows when it left.
    select
        orders._source,
        moved.reference_id as order_id,
        moved.sku,
        abs(moved.units) as units,
        moved.moved_at as shipped_at,
        -- An order that was closed before its goods left says nothing of their arrival.
        case when orders.completed_at > moved.moved_at then orders.completed_at end as delivered_at
    from {{ ref('stg_wms__movements') }} as moved
    inner join orders on moved.reference_id = orders.order_id and orders.shops = 1
    anti join {{ ref('stg_ecommerce__shipments') }} as told
        on orders._source = told._source and moved.reference_id = told.order_id
    where moved.kind = 'shipment' and moved.reference_kind = 'order'
),

shipped as (
    select
        _source,
        order_id,
        sku,
        shipped_at,
        sum(units) as units,
        max(delivered_at) as delivered_at,
        sum(sum(units)) over (partition by _source, order_id, sku order by shipped_at rows unbounded preceding) as parcel_end
    from parcels
    group by _source, order_id, sku, shipped_at
),

served as (
    select
        lines.order_kind,
        lines._source,
        lines.account_id,
        lines.order_id,
        lines.line_no,
        shipped.shipped_at,
        shipped.delivered_at as received_at,
        least(lines.line_end, shipped.parcel_end)
        - greatest(lines.line_end - lines.ordered_units, shipped.parcel_end - shipped.units) as shipped_units,
        case when shipped.delivered_at is not null then shipped_units end as received_units
    from lines
    inner join shipped
        on
            lines._source = shipped._source and lines.order_id = shipped.order_id and lines.sku = shipped.sku
            and shipped.parcel_end - shipped.units < lines.line_end and shipped.parcel_end > lines.line_end - lines.ordered_units
    union all
    select
        'trade' as order_kind,
        delivered._source,
        coalesce(orders.trade_account_id, '-') as account_id,
        delivered.so_id as order_id,
        cast(delivered.so_line_no as bigint) as line_no,
        delivered.shipped_at,
        delivered.received_at,
        delivered.shipped_units,
        delivered.received_units
    from {{ ref('stg_erp__deliveries') }} as delivered
    inner join {{ ref('stg_erp__sales_orders') }} as orders
        on delivered._source = orders._source and delivered.so_id = orders.so_id and delivered.so_line_no = orders.line_no
    where delivered.shipped_at is not null
),

final as (
    select
        served.* {{ but(['shipped_at', 'received_at']) }},
        {{ business_date('served.shipped_at', 'workspace.timezone', 'workspace.day_starts_minutes') }} as shipped_on,
        {{ business_date('served.received_at', 'workspace.timezone', 'workspace.day_starts_minutes') }} as received_on
    from served
    cross join workspace
)

select * from final
