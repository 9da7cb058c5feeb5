{#-
    Staging tables whose key is not a key: one query over all the tables named, so that eighty tables cost one test.
    Keys are those the models declare. Staging of a stream that nobody uses is not built, and not asked.
-#}
{% macro broken_staging_keys(names) -%}
    {%- for name in names %}
        {%- set table = ref('stg_' ~ name ~ '_all') -%}
        {%- if execute and load_relation(table) is not none %}
            {%- set key = graph.nodes['model.tillmill.stg_' ~ name ~ '_all'].config.meta.key | join(', ') %}
            select 'stg_{{ name }}_all' as staging_table, count(*) as broken_keys
            from (select 1 from {{ table }} group by {{ key }} having count(*) > 1)
            having count(*) > 0
            union all
        {%- endif %}
    {%- endfor %}
            select 'none' as staging_table, 0 as broken_keys where false
{%- endmacro %}
