{#- Those of every business, and of others what has landed. -#}
{%- set domains = ['pos', 'trade', 'ecommerce', 'crm', 'erp', 'wms', 'mes'] -%}
{%- set read, tables = [], [] -%}
{%- for domain in domains -%}
{%- do read.append(domain ~ '.controls') -%}
{%- do tables.append(ref('stg_' ~ domain ~ '__controls')) -%}
{%- endfor -%}
{%- for stream, table in streams_staged(but=read) if stream.endswith('.controls') -%}
{%- do tables.append(table) -%}
{%- endfor -%}
-- One row per source and stream for which the source says what its rows add up to, over all dates.
with

controls as (
    {%- for table in tables %}
    select
        _source,
        stream,
        rows,
        units,
        amount
    from {{ table }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

final as (
    select
        _source,
        stream,
        cast(sum(rows) as bigint) as control_rows,
        sum(units) as control_units,
        sum(amount) as control_amount
    from controls
    group by _source, stream
)

select * from final
