-- One row per completed refund and the order line it falls on. A refund of a whole order is shared out over the lines by
-- what was paid for them, and evenly where nothing was, to the cent: largest remainder first.
with

refunds as (
    select * from {{ ref('stg_ecommerce__refunds') }}
),

lines as (
    select * from {{ ref('stg_ecommerce__order_lines') }}
),

paired as (
    select
        refunds._source,
        refunds.shop_id,
        refunds.refund_id,
        refunds.order_id,
        lines.line_no,
        refunds.refunded_at,
        refunds.currency,
        refunds.kind,
        coalesce(refunds.borne_by, 'brand') as borne_by,
        lines.tax_rate,
        lines.is_tax_inclusive,
        refunds.units as refunded_units,
        refunds.amount,
        refunds.line_no is null as is_shared,
        lines.units as line_units,
        cast(refunds.amount * 100 as decimal(18, 0)) as cents,
        case
            when sum(lines.paid_amount) over whole_refund > 0
                then cast(lines.paid_amount as double) / sum(lines.paid_amount) over whole_refund
            else cast(1 as double) / count(*) over whole_refund
        end * cast(refunds.amount * 100 as decimal(18, 0)) as exact_cents
    from refunds
    inner join lines
        on
            refunds._source = lines._source
            and refunds.shop_id = lines.shop_id
            and refunds.order_id = lines.order_id
            and coalesce(refunds.line_no, lines.line_no) = lines.line_no
    where
        refunds.refunded_at is not null
        and lower(coalesce(refunds.status, '')) not in ('rejected', 'cancelled', 'canceled')
    window whole_refund as (partition by refunds._source, refunds.shop_id, refunds.refund_id)
),

shared as (
    select
        *,
        floor(coalesce(exact_cents, 0)) as whole_cents,
        row_number() over (
            partition by _source, shop_id, refund_id
            order by coalesce(exact_cents, 0) - floor(coalesce(exact_cents, 0)) desc, line_no
        ) as place,
        cents - sum(floor(coalesce(exact_cents, 0))) over (partition by _source, shop_id, refund_id) as left_over
    from paired
),

final as (
    select
        *,
        case
            when is_shared then cast((whole_cents + case when place <= left_over then 1 else 0 end) / 100 as decimal(18, 4))
            else amount
        end as line_amount,
        case
            when kind not in ('before_shipment', 'return_refund', 'exchange') then 0
            when is_shared then line_units
            else coalesce(refunded_units, 0)
        end as returned_units
    from shared
)

select * from final
