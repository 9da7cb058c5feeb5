{{ config(materialized='view') }}

-- One row per row of what the margins of a day are taken from besides its sales: costs of a place and SKU, and the shares
-- of what a till sells of a category.
with

days as (
    select distinct sold_on from {{ ref('fct_sales_line') }}
),

final as (
    select
        'cost' as kind,
        channel_id,
        shop_id,
        location_id,
        region,
        sku as sold,
        {%- for step in cost_steps() %}
        cast({{ step }}_amount as decimal(30, 12)) as {{ step }},
        {%- endfor %}
        cast(estimated_amount as decimal(30, 12)) as estimated,
        cast(settled_amount as decimal(30, 12)) as settled,
        sold_on
    from {{ ref('int_channel_costs') }}
    union all
    select
        'rate' as kind,
        rates.channel_id,
        rates.shop_id,
        '-' as location_id,
        '-' as region,
        rates.category as sold,
        {%- for step in cost_steps() %}
        cast(rates.{{ step }}_rate as decimal(30, 12)) as {{ step }},
        {%- endfor %}
        cast(0 as decimal(30, 12)) as estimated,
        cast(0 as decimal(30, 12)) as settled,
        days.sold_on
    from {{ ref('int_cost_rates') }} as rates
    inner join days on rates.valid_from <= days.sold_on and rates.valid_to > days.sold_on
    where rates.shop_id = '-'
)

select * from final
