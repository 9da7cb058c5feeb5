-- One row per line of a web order that is paid and still owed: what was promised and not refunded before it was sent, less
-- what was sent. An order that its shop has closed is owed no longer, whoever tells of its parcels.
with

orders as (
    select * from {{ ref('stg_ecommerce__orders') }}
    where completed_at is null
),

promises as (
    select * from {{ ref('int_order_promises') }}
    where order_kind = 'web'
),

shipped as (
    select
        _source,
        account_id,
        order_id,
        line_no,
        sum(shipped_units) as units
    from {{ ref('int_order_shipments') }}
    where order_kind = 'web'
    group by _source, account_id, order_id, line_no
),

final as (
    select
        promises._source || ':' || promises.account_id || ':' || promises.order_id as order_id,
        cast(promises.line_no as string) as line_no,
        promises.sku,
        promises.channel_id,
        'PLANT' as location_id,
        cast(promises.ordered_units - coalesce(shipped.units, 0) as double) as units,
        promises.ship_by_on as due_on,
        cast(1 as bigint) as priority
    from promises
    inner join orders
        on promises._source = orders._source and promises.account_id = orders.shop_id and promises.order_id = orders.order_id
    left join shipped
        on
            promises._source = shipped._source and promises.account_id = shipped.account_id
            and promises.order_id = shipped.order_id and promises.line_no = shipped.line_no
    where promises.ordered_units > coalesce(shipped.units, 0)
)

select * from final
