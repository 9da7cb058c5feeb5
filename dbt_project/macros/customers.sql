{#- Which fifth of all rows a value lies in: 5 the highest; equal values share a fifth. -#}
{% macro fifth_of(value) -%}
    cast(least(floor(percent_rank() over (order by {{ value }}) * 5) + 1, 5) as integer)
{%- endmacro %}


{#- The plain name of a recency-frequency-value combination; the first that fits. -#}
{% macro rfm_segment(recency, frequency, monetary, orders) -%}
    case
        when {{ recency }} >= 4 and {{ frequency }} >= 4 and {{ monetary }} >= 4 then 'champion'
        when {{ recency }} >= 3 and {{ frequency }} >= 4 then 'loyal'
        when {{ recency }} >= 4 and {{ orders }} = 1 then 'new'
        when {{ recency }} >= 4 then 'promising'
        when {{ recency }} = 3 then 'needs attention'
        when {{ frequency }} >= 4 or {{ monetary }} >= 4 then 'at risk'
        when {{ recency }} = 2 then 'cooling'
        else 'lost'
    end
{%- endmacro %}
