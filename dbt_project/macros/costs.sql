{#- The steps from contribution margin 1 down, each a column `<step>_amount`; the first two bring it to margin 2. -#}
{% macro cost_steps() -%}
    {{- return(['fulfilment', 'platform_fee', 'ads', 'influencer', 'trade_spend', 'write_off']) -}}
{%- endmacro %}


{#-
    The step that a kind of cost belongs to: the kinds of erp.costs and those of a platform's bill. A kind of no name here
    is cost to serve, and lowers margin 2 with fulfilment.
-#}
{% macro cost_step(kind) -%}
    case
        when {{ kind }} in ('commission', 'service_fee', 'payment', 'insurance', 'penalty', 'platform_fee') then 'platform_fee'
        when {{ kind }} = 'ads' then 'ads'
        when {{ kind }} in ('influencer', 'slot_fee') then 'influencer'
        when {{ kind }} in ('trade_spend', 'rebate', 'claim', 'promotion', 'listing_fee') then 'trade_spend'
        when {{ kind }} = 'write_off' then 'write_off'
        when {{ kind }} = 'shipping' then 'shipping'
        else 'fulfilment'
    end
{%- endmacro %}


{#- A share of a whole, to four digits; what rounding leaves over goes to the first of its rows. -#}
{% macro share_of(whole, weight, rows, first) -%}
    {%- set share = 'cast(' ~ product(whole, weight) ~ ' as decimal(18, 4))' -%}
    cast(
        {{ share }}
        + case
            when {{ first }} then {{ whole }} - sum({{ share }}) over (partition by {{ rows }})
            else 0
        end as decimal(18, 4)
    )
{%- endmacro %}
