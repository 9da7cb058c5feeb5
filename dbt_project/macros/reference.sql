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


{#-
    The rows of a relation, each with the line of its device (`device_line_id`) on its own business date (of the instant
    `at`), as the code crosswalk tells it. A device that the crosswalk does not know on that date is a line of its own;
    where two rows of a device overlap, the later one holds.
-#}
{% macro with_device_line(rows, at) -%}
    select
        told.*,
        coalesce(devices.new_code, told.device_id) as device_line_id
    from {{ rows }} as told
    cross join {{ ref('int_workspace') }} as workspace
    left join (
        select
            old_code,
            new_code,
            valid_from,
            least(
                coalesce(valid_to, date '9999-12-31'),
                coalesce(lead(valid_from) over (partition by old_code order by valid_from) - 1, date '9999-12-31')
            ) as valid_to
        from {{ ref('code_crosswalk') }}
        where kind = 'device'
    ) as devices
        on
            told.device_id = devices.old_code
            and {{ business_date('told.' ~ at, 'workspace.timezone', 'workspace.day_starts_minutes') }}
            between devices.valid_from and devices.valid_to
{%- endmacro %}
