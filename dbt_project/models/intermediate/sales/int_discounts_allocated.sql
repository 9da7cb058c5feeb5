-- One row per order line with a discount that others than the brand pay: a platform, an influencer, a bank. A discount
-- on a whole order is shared out over its lines by what was paid for them, to the cent: largest remainder first.
with

discounts as (
    select * from {{ ref('stg_ecommerce__discounts') }}
    where borne_by <> 'brand'
),

lines as (
    select * from {{ ref('stg_ecommerce__order_lines') }}
),

on_lines as (
    select
        _source,
        shop_id,
        order_id,
        line_no,
        sum(amount) as amount
    from discounts
    group by _source, shop_id, order_id, line_no
),

paired as (
    select
        lines._source,
        lines.shop_id,
        lines.order_id,
        lines.line_no,
        own.amount as own_amount,
        cast(shared.amount * 100 as decimal(18, 0)) as cents,
        -- What was given away for nothing is shared out by its list price.
        case
            when sum(lines.paid_amount) over whole_order > 0 then lines.paid_amount / sum(lines.paid_amount) over whole_order
            else lines.list_amount / nullif(sum(lines.list_amount) over whole_order, 0)
        end * cents as exact_cents
    from lines
    left join on_lines as own
        on
            lines._source = own._source
            and lines.shop_id = own.shop_id
            and lines.order_id = own.order_id
            and lines.line_no = own.line_no
    left join on_lines as shared
        on
            lines._source = shared._source
            and lines.shop_id = shared.shop_id
            and lines.order_id = shared.order_id
            and shared.line_no = 0
    window whole_order as (partition by lines._source, lines.shop_id, lines.order_id)
),

shared_out as (
    select
        *,
        floor(coalesce(exact_cents, 0)) as whole_cents,
        row_number() over (
            partition by _source, shop_id, order_id
            order by coalesce(exact_cents, 0) - floor(coalesce(exact_cents, 0)) desc, line_no
        ) as place,
        coalesce(cents, 0) - sum(floor(coalesce(exact_cents, 0))) over (partition by _source, shop_id, order_id) as left_over
    from paired
),

final as (
    select
        _source,
        shop_id,
        order_id,
        line_no,
        cast(
            coalesce(own_amount, 0) + (whole_cents + case when place <= left_over then 1 else 0 end) / 100 as decimal(18, 4)
        ) as borne_by_others_amount
    from shared_out
)

select * from final
where borne_by_others_amount <> 0
