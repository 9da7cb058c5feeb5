{#-
    What DuckDB and Spark spell differently, side by side. Everything else in the models is plain SQL that both read
    alike; a model that needs one of these calls it by name and knows neither engine.
-#}


{#- Whether Spark, or what understands its SQL, runs the models. -#}
{% macro on_spark() -%}
    {{- return(target.type in ('spark', 'databricks')) -}}
{%- endmacro %}


{#- A column whose name is also a word of SQL. -#}
{% macro named(column) -%}
    {{- return('`' ~ column ~ '`' if on_spark() else '"' ~ column ~ '"') -}}
{%- endmacro %}


{#- Behind a star: all columns but these. -#}
{% macro but(columns) -%}
    {{ 'except' if on_spark() else 'exclude' }} ({{ columns | join(', ') }})
{%- endmacro %}


{#-
    The rows of several relations under each other, each with the columns it has, by their names; what one lacks is null.
    `parts`: a column list by relation.
-#}
{% macro stacked(parts) -%}
    {%- set names = [] -%}
    {%- for columns in parts.values() -%}
        {%- for column in columns if column not in names %}{% do names.append(column) %}{% endfor -%}
    {%- endfor -%}
    {%- for relation, columns in parts.items() %}
    select
        {%- for name in names %}
        {{ name if name in columns else 'null as ' ~ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ relation }}
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}


{#- Days from one date to another. -#}
{% macro days_between(earlier, later) -%}
    {%- if on_spark() -%}
        datediff({{ later }}, {{ earlier }})
    {%- else -%}
        date_diff('day', {{ earlier }}, {{ later }})
    {%- endif -%}
{%- endmacro %}


{#- How often the clock ticked from one instant to another, in seconds or microseconds. -#}
{% macro ticks_between(unit, earlier, later) -%}
    {%- set clock = {'second': 'unix_seconds', 'microsecond': 'unix_micros'}[unit] -%}
    {%- if on_spark() -%}
        ({{ clock }}({{ later }}) - {{ clock }}({{ earlier }}))
    {%- else -%}
        date_diff('{{ unit }}', {{ earlier }}, {{ later }})
    {%- endif -%}
{%- endmacro %}


{#- Whole seconds from one instant to another. -#}
{% macro seconds_between(earlier, later) -%}
    {{- ticks_between('second', earlier, later) -}}
{%- endmacro %}


{#- The same in minutes, as a floating number. -#}
{% macro minutes_between(earlier, later) -%}
    cast({{ seconds_between(earlier, later) }} as double) / 60
{%- endmacro %}


{#- A row per date from the first on, each `days` after the one before, while it is before `until`. -#}
{% macro dates_from(first, until, days) -%}
    {%- if on_spark() -%}
        explode(
            case when {{ first }} < {{ until }} then sequence({{ first }}, {{ until }} - 1, interval {{ days }} day) else array() end
        )
    {%- else -%}
        cast(unnest(range({{ first }}, {{ until }}, interval {{ days }} day)) as date)
    {%- endif -%}
{%- endmacro %}


{#- The same within the dates that an instant may have, by the bounds of its contract; a day either way for its zone. -#}
{% macro dates_of_instants(first, until) -%}
    {{- dates_from("greatest(" ~ first ~ ", date '1979-12-31')", "least(" ~ until ~ ", date '2100-01-02')", 1) -}}
{%- endmacro %}


{#- The texts of a group in one, in their order. -#}
{% macro joined(text, separator, is_distinct=false) -%}
    {%- set word = 'distinct ' if is_distinct else '' -%}
    {%- if on_spark() -%}
        string_agg({{ word }}{{ text }}, '{{ separator }}') within group (order by {{ text }})
    {%- else -%}
        string_agg({{ word }}{{ text }}, '{{ separator }}' order by {{ text }})
    {%- endif -%}
{%- endmacro %}


{#-
    A sum or mean of floating numbers in a given order, so that two runs give the same last digit. Spark takes no order:
    its last digit may differ.
-#}
{% macro in_order(function, value, order) -%}
    {{ function }}({{ value }}{{ ' order by ' ~ order if not on_spark() }})
{%- endmacro %}


{#- The last value that is known, over a window that the caller names. -#}
{% macro last_known(value) -%}
    last_value({{ value }}{{ ', true' if on_spark() else ' ignore nulls' }})
{%- endmacro %}


{#-
    A floating number as a decimal of so many digits after the point. Half a last digit is told from the product that both
    engines compute alike, not from the number's shortest text, as Spark's cast would.
-#}
{% macro to_decimal(value, digits) -%}
    {%- if on_spark() -%}
        cast(sign({{ value }}) * floor(abs({{ value }}) * 1e{{ digits }} + 0.5e0) / 1e{{ digits }} as decimal(18, {{ digits }}))
    {%- else -%}
        cast({{ value }} as decimal(18, {{ digits }}))
    {%- endif -%}
{%- endmacro %}


{#- A text field of a JSON object; null where it has none. -#}
{% macro json_text(object, field) -%}
    {{ 'get_json_object' if on_spark() else 'json_extract_string' }}({{ object }}, '$.{{ field }}')
{%- endmacro %}


{#- The type of an instant: microseconds of UTC. -#}
{% macro instant() -%}
    {{ 'timestamp' if on_spark() else 'timestamptz' }}
{%- endmacro %}


{#-
    The rows of `asked` that `told` says something of, each with the `values` of told's row of the same `keys` that is
    the last one not after `at` (with `next`: the first one not before it).
    Spark puts both into one row of time, where every question finds the last answer before it: sorted once, never
    multiplied.
-#}
{% macro as_of(asked, at, told, told_at, keys, values, next=false) -%}
    select
        asked.*,
        told.{{ values | join(', told.') }}
    {%- if on_spark() %}
    from (
        select
            asked,
            last_value(told, true) over (
                partition by {{ keys.keys() | join(', ') }} order by happened_at{{ ' desc' if next }}, is_asked
                rows between unbounded preceding and current row
            ) as told
        from (
            select
                {{ keys.keys() | join(', ') }},
                {{ at }} as happened_at,
                1 as is_asked,
                struct(*) as asked,
                null as told
            from {{ asked }}
            where {{ at }} is not null
            union all
            select
                {{ keys.values() | join(', ') }},
                {{ told_at }} as happened_at,
                0 as is_asked,
                null as asked,
                struct(*) as told
            from {{ told }}
            where {{ told_at }} is not null
        ) as in_time
    ) as answered
    where asked is not null and told is not null
    {%- else %}
    from {{ asked }} as asked
    asof inner join {{ told }} as told
        on
            asked.{{ at }} {{ '<=' if next else '>=' }} told.{{ told_at }}
            {%- for key, told_key in keys.items() %}
            and asked.{{ key }} = told.{{ told_key }}
            {%- endfor %}
    {%- endif %}
{%- endmacro %}
