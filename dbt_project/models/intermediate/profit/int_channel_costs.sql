{%- set grain = ['channel_id', 'shop_id', 'location_id', 'region', 'sku', 'sold_on'] -%}
-- One row per channel, shop, place, region, SKU and day with costs of its own below cost of goods, by step: web orders
-- bring theirs, campaigns are shared out over what they sold. A till's are the rates' shares of what it sold.
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
