{#-
    How DuckDB makes a table or a view: dropped and made anew in one transaction, so a build that fails leaves the old one.

    dbt's own way makes it under another name, renames the old one, renames the new one, and drops the old one in a second
    transaction, for databases in which somebody reads meanwhile. Nobody reads a candidate, and that was half of what a small
    table costs. Hooks, indexes, grants and foreign keys, which dbt's own way looks after, are none in this project.
-#}
{% materialization table, adapter='duckdb' -%}
    {%- set made = this.incorporate(type='table') -%}
    {%- call statement('main') -%}
        {{ drop_for(made) }}
        {{ create_table_as(false, made, compiled_code) }}
    {%- endcall -%}
    {{- return(settled(made)) -}}
{%- endmaterialization %}


{% materialization view, adapter='duckdb' -%}
    {%- set made = this.incorporate(type='view') -%}
    {%- call statement('main') -%}
        {{ drop_for(made) }}
        {{ create_view_as(made, compiled_code) }}
    {%- endcall -%}
    {{- return(settled(made)) -}}
{%- endmaterialization %}


{#- What has the name already goes, be it a table or a view. -#}
{% macro drop_for(made) -%}
    {%- set held = load_cached_relation(made) -%}
    {%- if held -%}
        drop {{ held.type }} {{ held }} cascade;
    {%- endif -%}
{%- endmacro %}


{% macro settled(made) -%}
    {%- do persist_docs(made, model) -%}
    {%- do adapter.commit() -%}
    {{- return({'relations': [made]}) -}}
{%- endmacro %}
