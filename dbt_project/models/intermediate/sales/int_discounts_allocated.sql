-- One row per order line with a discount that others than the brand pay: a platform, an influencer, a bank. A discount
-- on a whole order is shared out over its lines to the cent, largest remainder first: as the shop itself has taken it
-- off the lines where its amounts add up, and else by what was paid for each.
with

discounts as (
    select
        *,
        case when borne_by <> 'brand' then amount else 0 end as others_amount
    from {{ ref('stg_ecommerce__discounts') }}
),

lines as (
    select * from {{ ref('stg_ecommerce__order_lines') }}
),

summed as (
    select
        _source,
        shop_id,
        order_id,
        line_no,
        sum(amount) as amount,
        sum(others_amount) as others_amount
    from discounts
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
        coalesce(own.others_amount, 0) as own_amount,
        cast(shared.others_amount * 100 as decimal(18, 0)) as cents,
        lines.list_amount - lines.paid_amount - coalesce(own.amount, 0) as taken_off_amount,
        sum(taken_off_amount) over whole_order = shared.amount and min(taken_off_amount) over whole_order >= 0 as adds_up
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

weighed as (
    select
        *,
        case
            when adds_up then taken_off_amount
            when order_paid_amount > 0 then paid_amount
            else 1
        end as weight,
        coalesce(weight / nullif(sum(weight) over (partition by _source, shop_id, order_id), 0) * cents, 0) as exact_cents
    from paired
),

shared_out as (
    select
        *,
        floor(exact_cents) as whole_cents,
        row_number() over (
            partition by _source, shop_id, order_id
            order by exact_cents - floor(exact_cents) desc, line_no
        ) as place,
        coalesce(cents, 0) - sum(floor(exact_cents)) over (partition by _source, shop_id, order_id) as left_over
    from weighed
),

final as (
    select
        _source,
        shop_id,
        order_id,
        line_no,
        cast(own_amount + (whole_cents + case when place <= left_over then 1 else 0 end) / 100 as decimal(18, 4)) as borne_by_others_amount
    from shared_out
)

select * from final
where borne_by_others_amount <> 0
