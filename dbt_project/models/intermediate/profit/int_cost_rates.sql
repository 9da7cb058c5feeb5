{%- set steps = ['shipping'] + cost_steps() -%}
-- One row per channel and shop that sells to shoppers, category and span of dates without a change: what selling there is
-- expected to cost, as shares of net sales and as amounts an order. Of the rates of one kind the closest holds: the shop's,
-- then the channel's, then the category's.
with

-- Where lines take their channel and shop from: few rows, where the lines are many.
places as (
    select
        channel_id,
        '-' as shop_id
    from {{ ref('dim_location') }}
    where channel_id is not null
    union
    select
        channel_id,
        shop_id
    from {{ ref('int_web_orders') }}
),

categories as (
    select category from {{ ref('dim_product') }}
    where is_current and category is not null
    union
    select '-' as category
),

costs as (
    select
        costs.*,
        {{ cost_step('costs.cost_kind') }} as step,
        {{ converted('costs.amount_per_order', 'rates.rate') }} as order_amount
    from {{ ref('stg_erp__costs') }} as costs
    -- What holds from a date on is converted once, at that date's rate.
    left join {{ ref('int_currency_rates') }} as rates
        on costs.currency = rates.currency and costs.valid_from >= rates.stands_from and costs.valid_from < rates.valid_to
),

met as (
    select
        places.channel_id as sold_through,
        places.shop_id as sold_in,
        categories.category as sold,
        costs.*
    from places
    cross join categories
    inner join costs
        on
            costs.channel_id in (places.channel_id, '*')
            and costs.shop_id in (places.shop_id, '*')
            and costs.category in (categories.category, '*')
),

changes as (
    select distinct
        sold_through,
        sold_in,
        sold,
        valid_from
    from met
),

spans as (
    select
        sold_through,
        sold_in,
        sold,
        valid_from,
        lead(valid_from, 1, date '9999-12-31') over (partition by sold_through, sold_in, sold order by valid_from) as valid_to
    from changes
),

closest as (
    select
        spans.*,
        met.step,
        cast(coalesce(met.rate, 0) as decimal(18, 12)) as rate,
        coalesce(met.order_amount, 0) as order_amount
    from spans
    inner join met
        on
            spans.sold_through = met.sold_through
            and spans.sold_in = met.sold_in
            and spans.sold = met.sold
            and spans.valid_from >= met.valid_from
    qualify row_number() over (
        partition by spans.sold_through, spans.sold_in, spans.sold, spans.valid_from, met.cost_kind
        order by
            case when met.shop_id = '*' then 1 else 0 end asc,
            case when met.channel_id = '*' then 1 else 0 end asc,
            case when met.category = '*' then 1 else 0 end asc,
            met.valid_from desc,
            met._source asc
    ) = 1
),

final as (
    select
        sold_through as channel_id,
        sold_in as shop_id,
        sold as category,
        {%- for step in steps %}
        cast(sum(case when step = '{{ step }}' then rate else 0 end) as decimal(18, 12)) as {{ step }}_rate,
        cast(sum(case when step = '{{ step }}' then order_amount else 0 end) as decimal(18, 4)) as {{ step }}_per_order,
        {%- endfor %}
        valid_from,
        valid_to
    from closest
    group by sold_through, sold_in, sold, valid_from, valid_to
)

select * from final
