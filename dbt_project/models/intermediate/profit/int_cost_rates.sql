{%- set steps = ['shipping'] + cost_steps() -%}
-- One row per channel, shop, category and day with sales: what selling there is expected to cost, as shares of net sales
-- and as amounts an order. Of the rates of one kind the closest holds: the shop's, then the channel's, then the category's.
with

sold as (
    select distinct
        channel_id,
        shop_id,
        category,
        sold_on
    from {{ ref('int_channel_sales') }}
),

costs as (
    select
        costs.*,
        {{ cost_step('costs.cost_kind') }} as step,
        {{ converted('costs.amount_per_order', 'rates.rate') }} as order_amount
    from {{ ref('stg_erp__costs') }} as costs
    left join {{ ref('int_currency_rates') }} as rates on costs.currency = rates.currency
),

closest as (
    select
        sold.*,
        costs.step,
        cast(coalesce(costs.rate, 0) as decimal(18, 12)) as rate,
        coalesce(costs.order_amount, 0) as order_amount
    from sold
    inner join costs
        on
            costs.channel_id in (sold.channel_id, '*')
            and costs.shop_id in (sold.shop_id, '*')
            and costs.category in (sold.category, '*')
            and sold.sold_on >= costs.valid_from
    qualify row_number() over (
        partition by sold.channel_id, sold.shop_id, sold.category, sold.sold_on, costs.cost_kind
        order by
            case when costs.shop_id = '*' then 1 else 0 end asc,
            case when costs.channel_id = '*' then 1 else 0 end asc,
            case when costs.category = '*' then 1 else 0 end asc,
            costs.valid_from desc,
            costs._source asc
    ) = 1
),

final as (
    select
        channel_id,
        shop_id,
        category,
        {%- for step in steps %}
        cast(sum(case when step = '{{ step }}' then rate else 0 end) as decimal(18, 12)) as {{ step }}_rate,
        cast(sum(case when step = '{{ step }}' then order_amount else 0 end) as decimal(18, 4)) as {{ step }}_per_order,
        {%- endfor %}
        sold_on
    from closest
    group by channel_id, shop_id, category, sold_on
)

select * from final
