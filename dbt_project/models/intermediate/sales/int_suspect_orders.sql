-- One row per web order that a rule, its shop or people have said something about; rules are told in docs/channels.md.
-- Two signs make a suspect. A shop's word is enough until goods are known to have left; people's verdict is above all.
with

orders as (
    select * from {{ ref('stg_ecommerce__orders') }}
),

parcels as (
    select * from {{ ref('int_order_parcels') }}
),

verdicts as (
    select * from {{ ref('int_suspect_verdicts') }}
    where verdict is not null
),

-- A platform's own number hides many honest people, so it says nothing.
marks as (
    select
        _source,
        shop_id,
        order_id,
        placed_at,
        'account' as kind,
        buyer_shop_uid_token as token
    from orders
    union all
    select
        _source,
        shop_id,
        order_id,
        placed_at,
        'phone' as kind,
        buyer_phone_token as token
    from orders
    where not coalesce(is_virtual_phone, false)
    union all
    select
        _source,
        shop_id,
        order_id,
        placed_at,
        'address' as kind,
        ship_address_token as token
    from orders
),

counted as (
    select
        _source,
        shop_id,
        order_id,
        count(*) over (
            partition by kind, token
            order by placed_at
            range between interval 12 hours preceding and interval 12 hours following
        ) as orders
    from marks
    where token is not null
),

bursts as (
    select
        _source,
        shop_id,
        order_id,
        max(orders) as burst_orders
    from counted
    group by _source, shop_id, order_id
),

signs as (
    select
        orders._source,
        orders.shop_id,
        orders.order_id,
        bursts.burst_orders,
        coalesce(bursts.burst_orders >= {{ var('suspect_burst_orders') }}, false) as is_burst,
        coalesce(parcels.is_light, false) as is_light,
        coalesce(parcels.is_unmoved, false) as is_unmoved,
        coalesce(parcels.has_left, false) as has_left,
        coalesce(orders.completed_at < parcels.shipped_at + interval 2 hours, false) as is_instant,
        coalesce(orders.is_suspect, false) as is_flagged_by_shop,
        orders.suspect_rule,
        verdicts.verdict,
        verdicts.author as verdict_by,
        verdicts.reason as verdict_reason
    from orders
    left join bursts
        on orders._source = bursts._source and orders.shop_id = bursts.shop_id and orders.order_id = bursts.order_id
    left join parcels on orders.order_id = parcels.order_id
    left join verdicts on orders.shop_id = verdicts.shop_id and orders.order_id = verdicts.order_id
),

final as (
    select
        *,
        case when is_burst then 1 else 0 end
        -- A light parcel of which the warehouse knows nothing is one sign: it was empty.
        + case when is_light or is_unmoved then 1 else 0 end
        + case when is_instant then 1 else 0 end as sign_count,
        case
            when verdict is not null then verdict = 'fake'
            else sign_count >= 2 or (is_flagged_by_shop and not has_left)
        end as is_suspect
    from signs
    where is_burst or is_light or is_unmoved or is_instant or is_flagged_by_shop or verdict is not null
)

select * from final
