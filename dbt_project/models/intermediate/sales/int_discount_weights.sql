-- One row per order line: its share of what is taken off the whole order, as the shop itself has taken it off the lines
-- where its amounts add up, and else by what was paid for each.
with

lines as (
    select * from {{ ref('stg_ecommerce__order_lines') }}
),

summed as (
    select
        _source,
        shop_id,
        order_id,
        line_no,
        sum(amount) as amount
    from {{ ref('stg_ecommerce__discounts') }}
    group by _source, shop_id, order_id, line_no
),

paired as (
    select
        lines._source,
        lines.shop_id,
        lines.order_id,
        lines.line_no,
        lines.paid_amount,
        sum(lines.paid_amount) over whole_order as order_paid_amount,
        lines.list_amount - lines.paid_amount - coalesce(own.amount, 0) as taken_off_amount,
        shared.amount as shared_amount
    from lines
    left join summed as own
        on
            lines._source = own._source
            and lines.shop_id = own.shop_id
            and lines.order_id = own.order_id
            and lines.line_no = own.line_no
    left join summed as shared
        on
            lines._source = shared._source
            and lines.shop_id = shared.shop_id
            and lines.order_id = shared.order_id
            and shared.line_no = 0
    window whole_order as (partition by lines._source, lines.shop_id, lines.order_id)
),

checked as (
    select
        *,
        sum(taken_off_amount) over whole_order = shared_amount and min(taken_off_amount) over whole_order >= 0 as adds_up
    from paired
    window whole_order as (partition by _source, shop_id, order_id)
),

weighed as (
    select
        *,
        case
            when adds_up then taken_off_amount
            when order_paid_amount > 0 then paid_amount
            else 1
        end as weight
    from checked
),

final as (
    select
        _source,
        shop_id,
        order_id,
        line_no,
        coalesce(cast(weight as double) / nullif(sum(weight) over (partition by _source, shop_id, order_id), 0), 0) as share_rate
    from weighed
)

select * from final
