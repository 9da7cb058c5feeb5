{%- set payers = ['platform', 'influencer', 'distributor', 'payment'] -%}
-- One row per order line with a discount that others than the brand pay, by payer: a platform, an influencer, a
-- distributor, a bank. A payer's discount on a whole order is shared out to the cent, largest remainder first.
with

discounts as (
    select * from {{ ref('stg_ecommerce__discounts') }}
    where borne_by <> 'brand'
),

weights as (
    select * from {{ ref('int_discount_weights') }}
),

own as (
    select
        _source,
        shop_id,
        order_id,
        line_no,
        borne_by,
        sum(amount) as amount
    from discounts
    where line_no <> 0
    group by _source, shop_id, order_id, line_no, borne_by
),

whole as (
    select
        _source,
        shop_id,
        order_id,
        borne_by,
        cast(sum(amount) * 100 as decimal(18, 0)) as cents
    from discounts
    where line_no = 0
    group by _source, shop_id, order_id, borne_by
),

exact as (
    select
        whole.*,
        weights.line_no,
        whole.cents * weights.share_rate as exact_cents,
        floor(whole.cents * weights.share_rate) as whole_cents
    from whole
    inner join weights
        on whole._source = weights._source and whole.shop_id = weights.shop_id and whole.order_id = weights.order_id
),

shared_out as (
    select
        *,
        row_number() over (
            partition by _source, shop_id, order_id, borne_by
            order by exact_cents - whole_cents desc, line_no asc
        ) as place,
        cents - sum(whole_cents) over (partition by _source, shop_id, order_id, borne_by) as left_over
    from exact
),

borne as (
    select * from own
    union all
    select
        _source,
        shop_id,
        order_id,
        line_no,
        borne_by,
        (whole_cents + case when place <= left_over then 1 else 0 end) / 100 as amount
    from shared_out
),

final as (
    select
        _source,
        shop_id,
        order_id,
        line_no,
        {%- for payer in payers %}
        cast(sum(case when borne_by = '{{ payer }}' then amount else 0 end) as decimal(18, 4)) as borne_by_{{ payer }}_amount,
        {%- endfor %}
        cast(sum(amount) as decimal(18, 4)) as borne_by_others_amount
    from borne
    group by _source, shop_id, order_id, line_no
)

select * from final
where borne_by_others_amount <> 0
