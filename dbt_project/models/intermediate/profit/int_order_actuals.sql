-- One row per web order of which a bill or a parcel tells what it really cost. A figure is null until someone told it.
with

bill_lines as (
    select * from {{ ref('int_bill_lines') }}
    where is_known_order
),

rates as (
    select * from {{ ref('int_currency_days') }}
),

orders as (
    select * from {{ ref('int_web_orders') }}
),

-- The shop itself or a warehouse may tell of a parcel; of two orders of one number it is the teller's own.
shipments as (
    select
        shipments.*,
        orders.counted_source as order_source,
        orders.counted_shop_id as shop_id,
        orders.counted_order_id,
        counted.sold_on
    from {{ ref('stg_ecommerce__shipments') }} as shipments
    inner join orders on shipments.order_id = orders.order_id
    inner join orders as counted
        on
            orders.counted_source = counted._source
            and orders.counted_shop_id = counted.shop_id
            and orders.counted_order_id = counted.order_id
    qualify row_number() over (
        partition by shipments._source, shipments.shipment_id, shipments.line_no
        order by orders._source <> shipments._source, orders._source, orders.shop_id
    ) = 1
),

-- An order is settled when its income stands on a bill; fees come with it.
bills as (
    select
        _source,
        shop_id,
        order_id,
        min(case when kind = 'income' and refund_id is null then settled_at end) as settled_at,
        -sum(case when step = 'platform_fee' then amount else 0 end) as platform_fee_amount,
        -sum(case when step = 'influencer' then amount else 0 end) as influencer_amount,
        -sum(case when step = 'trade_spend' then amount else 0 end) as trade_spend_amount
    from bill_lines
    group by _source, shop_id, order_id
    having min(case when kind = 'income' and refund_id is null then settled_at end) is not null
),

parcels as (
    select
        shipments.order_source as _source,
        shipments.shop_id,
        shipments.counted_order_id as order_id,
        sum({{ converted('shipments.freight_amount', 'rates.rate') }}) as shipping_amount
    from shipments
    -- What an order costs is of the order's day.
    inner join rates on shipments.currency = rates.currency and shipments.sold_on = rates.rated_on
    where shipments.freight_amount is not null
    group by shipments.order_source, shipments.shop_id, shipments.counted_order_id
),

final as (
    select
        orders._source,
        orders.shop_id,
        orders.order_id,
        bills.settled_at,
        bills.platform_fee_amount,
        bills.influencer_amount,
        bills.trade_spend_amount,
        parcels.shipping_amount
    from orders
    left join bills on orders._source = bills._source and orders.shop_id = bills.shop_id and orders.order_id = bills.order_id
    left join parcels
        on orders._source = parcels._source and orders.shop_id = parcels.shop_id and orders.order_id = parcels.order_id
    where bills.settled_at is not null or parcels.shipping_amount is not null
)

select * from final
