{#-
    One file that people own, as a table: the named columns with their types, every id as text (a code `02` must not
    become the number 2). Read by a model instead of a dbt seed, because the folder lies in the workspace, outside the
    project: dbt would write each seed's compiled form over the very file it comes from.
-#}
{% macro reference(name, columns) -%}
    {%- set file = (env_var('TILLMILL_REFERENCE') if execute else '') ~ '/' ~ name ~ '.csv' -%}
    {%- if execute and on_spark() -%}
        {%- do run_query(
            "create or replace temporary view reference_" ~ name ~ " using csv options (path " ~ quoted(file)
            ~ ", header 'true', multiLine 'true', escape '\"', nullValue '')"
        ) -%}
    {%- endif -%}
    select
    {%- for column, type in columns.items() %}
        cast({{ column }} as {{ type }}) as {{ column }}{{ "," if not loop.last }}
    {%- endfor %}
    {%- if on_spark() %}
    from reference_{{ name }}
    {%- else %}
    from read_csv(
        {{ quoted(file) }}, header = true, all_varchar = true, delim = ',', quote = '"', escape = '"', nullstr = ''
    )
    {%- endif %}
{%- endmacro %}
