{{ config(tags=['pass_b']) }}

-- What others pay of an order's discounts stands on its lines, to the cent.
with

given as (
    select
        _source,
        shop_id,
        order_id,
        sum(amount) as amount
    from {{ ref('stg_ecommerce__discounts') }}
    where borne_by <> 'brand'
    group by _source, shop_id, order_id
),

lines as (
    select
        _source,
        shop_id,
        sale_id as order_id,
        sum(borne_by_others_amount) as amount
    from {{ ref('int_web_lines') }}
    group by _source, shop_id, sale_id
)

select
    given.*,
    lines.amount as shared_amount
from given
inner join lines on given._source = lines._source and given.shop_id = lines.shop_id and given.order_id = lines.order_id
where given.amount <> lines.amount
