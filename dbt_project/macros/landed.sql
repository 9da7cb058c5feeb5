{#-
    The only reader of the lake: the rows of one stream, each with the visible_seq of its load.

    The manifest lists the files, and files alone: no glob, no folder name that becomes a column. `loads` says which:
    `new` those that became visible after the last one the table being built holds (never by a clock nor by _load_seq,
    because loads may become visible out of order), `all`, or `latest`. A file may hold rows of many loads (`tillmill
    lake compact`): each file is read once, and of its rows those of the asked loads. The zero-row file of the contract
    is always in the list, so that an unused stream gives no rows instead of an error.
-#}
{% macro landed(stream, loads='new') -%}
    {%- if not execute -%}
        (select 1)
    {%- else -%}
        {%- set manifest = parquet_file(env_var('TILLMILL_MANIFEST')) -%}
        {%- set asked %}
            select load_id, visible_seq, path
            from {{ manifest }}
            where
                stream = {{ quoted(stream) }}
                and (load_id = '-' or visible_seq > {{ latest_visible_seq() if loads == 'new' else 0 }})
            {%- if loads == 'latest' %}
                and visible_seq in (0, (select max(visible_seq) from {{ manifest }} where stream = {{ quoted(stream) }}))
            {%- endif %}
        {% endset -%}
        {{- landed_in_folder(stream, asked) if on_spark() else landed_in_files(stream, asked) -}}
    {%- endif -%}
{%- endmacro %}


{#- DuckDB reads the files that the manifest names, and no other. -#}
{% macro landed_in_files(stream, asked) -%}
        {%- set named %}
            select path
            from ({{ asked }}) as asked
            where path is not null
            group by path
            order by min(visible_seq), path
        {% endset -%}
        {%- set files = run_query(named).columns[0].values() -%}
        {%- if not files -%}
            {{ exceptions.raise_compiler_error(
                "the manifest names no file for stream " ~ stream ~ ", not even its zero-row file; next: tillmill init"
            ) }}
        {%- endif -%}
        (
            select rows_landed.*, loads.visible_seq
            from read_parquet(
                [{% for file in files %}{{ quoted(file) }}{{ ", " if not loop.last }}{% endfor %}],
                union_by_name = true, hive_partitioning = false
            ) as rows_landed
            inner join ({{ asked }}) as loads on rows_landed._load_id = loads.load_id
        )
{%- endmacro %}


{#-
    Spark reads the stream's folder, and of it the loads of the files that the manifest names: by the files' names, so that
    the lake may stand elsewhere than where it was written. A merged file and those it was made of are never both named.
-#}
{% macro landed_in_folder(stream, asked) -%}
        (
            select rows_landed.*, loads.visible_seq
            from (
                select *, _metadata.file_name as _file_name
                from parquet.`{{ env_var('TILLMILL_LAKE') }}/{{ stream }}/{*,*/*}.parquet`
            ) as rows_landed
            inner join ({{ asked }}) as loads
                on rows_landed._load_id = loads.load_id and rows_landed._file_name = substring_index(loads.path, '/', -1)
        )
{%- endmacro %}


{#- The highest visible_seq that the table being built holds; 0 when it is built anew. -#}
{% macro latest_visible_seq() -%}
    {%- if is_incremental() -%}
        {{- return(run_query("select coalesce(max(visible_seq), 0) from " ~ this).columns[0].values()[0]) -}}
    {%- endif -%}
    {{- return(0) -}}
{%- endmacro %}


{% macro quoted(text) -%}
    '{{ text | string | replace("'", "''") }}'
{%- endmacro %}


{#- A Parquet file as a table. -#}
{% macro parquet_file(path) -%}
    {%- if on_spark() -%} parquet.`{{ path }}` {%- else -%} read_parquet({{ quoted(path) }}) {%- endif -%}
{%- endmacro %}


{#- Every load that this candidate reads, as the ledger's manifest tells it. -#}
{% macro manifest_loads() -%}
    (
        select
            load_id as _load_id,
            stream,
            source as _source,
            visible_seq,
            pulled,
            landed,
            quarantined,
            ended_at,
            watermark_at,
            coalesce(extra_fields, '') as extra_fields
        from {{ parquet_file(env_var('TILLMILL_MANIFEST') if execute else '') }}
        where load_id <> '-'
    )
{%- endmacro %}


{#- What the ledger and the workspace tell of streams, frozen beside the manifest: streams, quarantine or fields. -#}
{% macro told(name) -%}
    {%- if not execute -%}
        (select 1)
    {%- else -%}
        {{ parquet_file(env_var('TILLMILL_HEALTH') ~ '/' ~ name ~ '.parquet') }}
    {%- endif -%}
{%- endmacro %}
