{{ config(tags=['pass_b']) }}

-- What a refund gives back stands on the lines of its order, to the cent.
with

given as (
    select
        _source,
        shop_id,
        refund_id,
        cast(amount * 100 as decimal(18, 0)) as cents
    from {{ ref('stg_ecommerce__refunds') }}
),

lines as (
    select
        _source,
        shop_id,
        refund_id,
        cast(sum(line_amount) * 100 as decimal(18, 0)) as cents
    from {{ ref('int_refunds_allocated') }}
    group by _source, shop_id, refund_id
)

select
    given.*,
    lines.cents as shared_cents
from given
inner join lines on given._source = lines._source and given.shop_id = lines.shop_id and given.refund_id = lines.refund_id
where given.cents <> lines.cents
