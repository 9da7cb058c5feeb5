{#-
    One file that people own, as a table: the named columns with their types, every id as text (a code `02` must not
    become the number 2). Read by a model instead of a dbt seed, because the folder lies in the workspace, outside the
    project: dbt would write each seed's compiled form over the very file it comes from.
-#}
{% macro reference(name, columns) -%}
    select
    {%- for column, type in columns.items() %}
        cast({{ column }} as {{ type }}) as {{ column }}{{ "," if not loop.last }}
    {%- endfor %}
    from read_csv(
        {{ quoted((env_var('TILLMILL_REFERENCE') if execute else '') ~ '/' ~ name ~ '.csv') }},
        header = true, all_varchar = true, delim = ',', quote = '"', escape = '"', nullstr = ''
    )
{%- endmacro %}
