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


{#-
    The streams that are staged in this candidate, but for those named, each with its table. Not by `ref`, which would
    have every stream staged that a brand has not (docs/adr/0009); so not those staged in the last pass either.
-#}
{% macro streams_staged(but) -%}
    {%- set found = [] -%}
    {%- for node in (graph.nodes.values() if execute else []) if node.config.meta.stream and 'pass_d' not in node.tags -%}
        {%- set name = node.name | replace('_all', '') -%}
        {%- set table = adapter.get_relation(database=node.database, schema=node.schema, identifier=name) -%}
        {%- if node.config.meta.stream not in but and table is not none -%}
            {%- do found.append((node.config.meta.stream, table)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(found | sort) -}}
{%- endmacro %}
