{#-
    Staging of one stream: the current version of each key, tombstones included.

    The key is _source and the contract's key columns. Of the versions of a key the one with the highest version column
    is current, then the one landed last, then the last row of a file; the version that the table holds takes part in
    the comparison, so an older late row neither overwrites a newer one nor brings a deleted one back.
    What the rooms learnt is read whole each time: a candidate's pending loads get their place in the order only when it
    is published.
-#}
{% macro current_version(stream, key, version, columns, is_learnt=false) -%}
    {#- Quoted, because `on` is both a key and a word of SQL. -#}
    {%- set full_key = ['_source'] + key -%}
    {%- set quoted_key = [] -%}
    {%- for column in full_key %}{% do quoted_key.append(named(column)) %}{% endfor -%}
    {{- config(
        materialized='table' if is_learnt or on_spark() else 'incremental', incremental_strategy='delete+insert', unique_key=quoted_key,
        on_schema_change='append_new_columns', meta={'stream': stream, 'key': quoted_key, 'version': version}
    ) -}}
    {%- set current = 'row_number() over (partition by ' ~ quoted_key | join(', ') ~ ' order by ' ~ version ~ ' desc nulls last, _load_seq desc, _row desc) = 1' -%}
    {%- set arrived -%}
        (select {{ columns_of(columns) }} from {{ landed(stream, loads='all' if is_learnt else 'new') }})
    {%- endset -%}
    {#- A common expression is held in memory with all its rows: an increment's few may be, a full build's are read where they lie. -#}
    {%- set versions = 'compared' if is_incremental() else arrived ~ ' as arrived' -%}
    {%- set name = 'compared' if is_incremental() else 'arrived' %}
    with

    {% if is_incremental() -%}
    arrived as {{ arrived }},

    compared as (
        select * from arrived
        union all by name
        select held.*
        from {{ this }} as held
        semi join arrived on {{ same('held', 'arrived', quoted_key) }}
    ),

    {% endif -%}
    -- Most keys have one version: they pass as they lie, in the order in which they landed, which later reads of some days
    -- live on.
    repeated as (
        select {{ quoted_key | join(', ') }}
        from {{ versions }}
        group by {{ quoted_key | join(', ') }}
        having count(*) > 1
    ),

    final as (
        select * from {{ versions }}
        where not exists (select 1 from repeated where {{ same(name, 'repeated', quoted_key) }})
        union all
        select * from {{ versions }}
        where exists (select 1 from repeated where {{ same(name, 'repeated', quoted_key) }})
        qualify {{ current }}
    )

    select * from final
{%- endmacro %}


{#- Whether rows of two tables have the same key. -#}
{% macro same(one, other, key) -%}
    {%- for column in key -%}
        {{ one }}.{{ column }} = {{ other }}.{{ column }}{{ ' and ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}


{#- The rows of a staging table that their source has not deleted. -#}
{% macro without_tombstones(relation) -%}
    select * from {{ relation }} where _op <> 'delete'
{%- endmacro %}


{#-
    Staging of a stream that a room learnt in runs: the rows of the latest run alone, and none where it found nothing.
-#}
{% macro latest_run(stream, columns) -%}
    {{- config(materialized='table', meta={'stream': stream}) -}}
    select {{ columns_of(columns) }}
    from {{ landed(stream, loads='latest') }}
{%- endmacro %}


{#- The named columns, quoted because some are words of SQL, and those of every landed row. -#}
{% macro columns_of(columns) -%}
    {% for column in columns %}{{ named(column) }}, {% endfor %}
    _source, _load_id, _load_seq, _row, _extracted_at, _op, _extra, coalesce(_flags, '') as _flags, visible_seq
{%- endmacro %}
