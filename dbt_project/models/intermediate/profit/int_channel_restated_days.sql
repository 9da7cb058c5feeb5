{#- Named here, because dbt reads a model's references without knowing what is held. -#}
{%- set now, sales_days = ref('int_channel_context'), ref('int_sales_restated_days') -%}
{%- set margins, basis = held('mart_channel_daily'), held('int_channel_basis') -%}
-- One row per business date of which this build states the margins anew; none where it states all of them: dates whose
-- sales are stated anew, and those to which costs came or from which they went.
with

{% if margins -%}
costs as (
    {%- if basis %}
    {{ differing('select * from ' ~ now, 'select * from ' ~ basis) }}
    {%- else %}
    -- What the margins were built from is not known: all of them again.
    select sold_on from {{ margins }}
    {%- endif %}
),

final as (
    select restated_on from {{ sales_days }}
    union
    select sold_on as restated_on from costs
)
{%- else -%}
final as (
    select restated_on from {{ sales_days }}
    where false
)
{%- endif %}

select * from final
