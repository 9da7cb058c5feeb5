-- One row per SKU of a bundle: what is in it costs this much, as it was last ordered; null where a part's cost is unknown.
with

items as (
    select * from {{ ref('int_items') }}
),

orders as (
    select * from {{ ref('int_web_orders') }}
),

parts as (
    select
        parts.*,
        dense_rank() over (
            partition by parts.bundle_sku
            order by orders.ordered_on desc, parts._source asc, parts.shop_id asc, parts.order_id asc, parts.bundle_line_no asc
        ) as place
    from {{ ref('int_bundle_parts') }} as parts
    inner join orders
        on parts._source = orders._source and parts.shop_id = orders.shop_id and parts.order_id = orders.order_id
    where parts.units_per_bundle is not null
),

final as (
    select
        parts.bundle_sku as sku,
        case
            when count(*) = count(items.standard_cost_amount)
                then {{ to_decimal('sum(parts.units_per_bundle * cast(items.standard_cost_amount as double))', 4) }}
        end as standard_cost_amount
    from parts
    left join items on parts.sku = items.sku
    where parts.place = 1
    group by parts.bundle_sku
)

select * from final
