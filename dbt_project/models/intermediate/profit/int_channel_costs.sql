{%- set grain = ['channel_id', 'shop_id', 'location_id', 'region', 'sku', 'sold_on'] -%}
-- One row per channel, shop, place, region, SKU and day: what selling costs below cost of goods, by step. Web orders bring
-- their own costs; a till's are the rates' shares of what it sold; campaigns are shared out over what they sold.
with

web as (
    select
        {{ grain | join(', ') }},
        {%- for step in cost_steps() %}
        sum({{ step }}_amount) as {{ step }}_amount,
        {%- endfor %}
        sum(estimated_amount) as estimated_amount,
        sum(settled_amount) as settled_amount
    from {{ ref('int_web_costs') }}
    group by {{ grain | join(', ') }}
),

tills as (
    select
        {%- for column in grain %}
        sales.{{ column }},
        {%- endfor %}
        {%- for step in cost_steps() %}
        sales.sold_amount * rates.{{ step }}_rate as {{ step }}_amount,
        {%- endfor %}
        cast(0 as decimal(18, 4)) as estimated_amount,
        cast(0 as decimal(18, 4)) as settled_amount
    from {{ ref('int_channel_sales') }} as sales
    inner join {{ ref('int_cost_rates') }} as rates
        on
            sales.channel_id = rates.channel_id
            and sales.shop_id = rates.shop_id
            and sales.category = rates.category
            and sales.sold_on = rates.sold_on
    where sales.shop_id = '-'
),

campaigns as (
    select
        {{ grain | join(', ') }},
        {%- for step in cost_steps() %}
        sum(case when step = '{{ step }}' then amount else 0 end) as {{ step }}_amount,
        {%- endfor %}
        cast(0 as decimal(18, 4)) as estimated_amount,
        cast(0 as decimal(18, 4)) as settled_amount
    from {{ ref('int_campaign_costs') }}
    group by {{ grain | join(', ') }}
),

costs as (
    select * from web
    union all
    select * from tills
    union all
    select * from campaigns
),

final as (
    select
        {{ grain | join(', ') }},
        {%- for step in cost_steps() %}
        cast(sum({{ step }}_amount) as decimal(18, 4)) as {{ step }}_amount,
        {%- endfor %}
        cast(sum(estimated_amount) as decimal(18, 4)) as estimated_amount,
        cast(sum(settled_amount) as decimal(18, 4)) as settled_amount
    from costs
    group by {{ grain | join(', ') }}
)

select * from final
