-- One row per web order: when it counts as sold, and why it does not count where it does not.
with

orders as (
    select * from {{ ref('stg_ecommerce__orders') }}
),

suspects as (
    select * from {{ ref('int_suspect_orders') }}
    where is_suspect
),

shops as (
    select * from {{ ref('shops') }}
),

workspace as (
    select * from {{ ref('int_workspace') }}
),

-- Shops name regions as their platform does; people say which sales region that is.
region_names as (
    select * from {{ ref('code_crosswalk') }}
    where kind = 'region'
    qualify row_number() over (partition by old_code order by valid_from desc) = 1
),

dated as (
    select
        orders._source,
        orders.shop_id,
        orders.order_id,
        orders.platform_order_id,
        orders.order_type,
        orders.author_id is not null as is_brought_by_influencer,
        suspects.order_id is not null as is_suspect,
        coalesce(region_names.new_code, orders.ship_region, '-') as region,
        coalesce(shops.channel_id, orders.shop_id) as channel_id,
        coalesce(shops.is_revenue, true) and orders.order_type not in ('sample', 'resend') as is_revenue,
        -- A presale counts when its balance is paid.
        case when orders.order_type = 'presale' then orders.balance_paid_at else orders.paid_at end as counted_at,
        coalesce(counted_at, orders.placed_at) as sold_at,
        counted_at is not null as is_paid,
        orders.placed_at,
        orders.cancelled_at is not null or lower(coalesce(orders.status, '')) in ('cancelled', 'canceled', 'closed') as is_cancelled,
        coalesce(shops.timezone, workspace.timezone) as timezone,
        workspace.day_starts_minutes,
        {{ record_token('orders._source', 'order', "concat_ws('|', orders.shop_id, orders.order_id)") }} as record_token,
        coalesce(
            orders.buyer_brand_uid_token, orders.buyer_email_token,
            case when not coalesce(orders.is_virtual_phone, false) then orders.buyer_phone_token end
        ) is not null as is_known_buyer,
        first_value(orders._source) over same_order as counted_source,
        first_value(orders.shop_id) over same_order as counted_shop_id,
        first_value(orders.order_id) over same_order as counted_order_id,
        -- The same platform order through two systems of ours is one order.
        orders.platform_order_id is not null
        and row_number() over (
            partition by orders.platform_order_id
            order by orders._source, orders.shop_id, orders.order_id
        ) > 1 as is_seen_twice
    from orders
    left join suspects
        on orders._source = suspects._source and orders.shop_id = suspects.shop_id and orders.order_id = suspects.order_id
    left join shops on orders.shop_id = shops.shop_id
    left join region_names on orders.ship_region = region_names.old_code
    cross join workspace
    window same_order as (
        partition by coalesce(orders.platform_order_id, concat_ws('|', orders._source, orders.shop_id, orders.order_id))
        order by orders._source, orders.shop_id, orders.order_id
    )
),

final as (
    select
        dated.* {{ but(['record_token', 'counted_at', 'placed_at', 'is_seen_twice', 'is_cancelled', 'is_known_buyer']) }},
        case when is_known_buyer then record_token end as record_token,
        {{ business_date('sold_at', 'timezone', 'day_starts_minutes') }} as sold_on,
        {{ business_date('placed_at', 'timezone', 'day_starts_minutes') }} as ordered_on,
        case
            when is_seen_twice then 'seen twice'
            when is_suspect then 'suspect'
            when is_cancelled then 'cancelled'
            when counted_at is null then 'unpaid'
        end as not_counted_because
    from dated
)

select * from final
