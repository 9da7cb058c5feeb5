-- One row per order line and shipment of it: units sent and when, units received and when (null: nobody says). Goods sent
-- name an order and a SKU; where an order has the SKU on several lines, the first line is served first.
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

shipped as (
    select
        *,
        sum(units) over (partition by _source, order_id, sku order by shipped_at rows unbounded preceding) as parcel_end
    from {{ ref('int_goods_sent') }}
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
