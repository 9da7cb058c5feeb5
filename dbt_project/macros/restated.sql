{#-
    Facts that restate the days that new loads touch, and no others: everything that tells an increment from a full build.
    The days are the rows (`restated_on`) of the table that a model names in `meta.restated_days`; on an engine that keeps no tables from build to
    build (Spark) nothing is held, so every build is a full one.
-#}

{#- A model by business date (the column `by`) that keeps its rows and restates the days that the model `days` lists. -#}
{% macro restates(days, by='sold_on') -%}
    {{- config(
        materialized='table' if on_spark() else 'incremental', incremental_strategy='restate', unique_key=by,
        on_schema_change='fail', meta={'restated_days': days}
    ) -}}
{%- endmacro %}


{#- The table of that name as the last build left it, not yet built anew in this one; none in a full build. -#}
{% macro held(name) -%}
    {%- if not execute or flags.FULL_REFRESH or on_spark() -%}
        {{- return(none) -}}
    {%- endif -%}
    {{- return(adapter.get_relation(database=this.database, schema=this.schema, identifier=name)) -}}
{%- endmacro %}


{#- The rows that only one of two queries finds: what is there now and was not, and what was there and is not. -#}
{% macro differing(now, held) -%}
    (
        {{ now }}
        except all
        {{ held }}
    )
    union all
    (
        {{ held }}
        except all
        {{ now }}
    )
{%- endmacro %}


{#-
    The dates and currencies (`sold_on`, `currency`) whose rate is not what it was: spans of one rate as contexts of sales
    tell them, now and as held, put into one row of time in which each rate holds until the next.
-#}
{% macro changed_rates(now, held) -%}
    select
        currency,
        {{ dates_of_instants('valid_from', 'valid_to') }} as sold_on
    from (
        select
            currency,
            valid_from,
            lead(valid_from, 1, date '9999-12-31') over in_time as valid_to,
            {{ last_known('rate') }} over in_time as rate,
            {{ last_known('held_rate') }} over in_time as held_rate
        from (
            select
                coalesce(now.id, held.id) as currency,
                coalesce(now.valid_from, held.valid_from) as valid_from,
                now.value as rate,
                held.value as held_rate
            from {{ now }} as now
            full outer join {{ held }} as held on now.kind = held.kind and now.id = held.id and now.valid_from = held.valid_from
            where coalesce(now.kind, held.kind) = 'currency'
        ) as told
        window in_time as (partition by currency order by valid_from)
    ) as spans
    where rate is distinct from held_rate
{%- endmacro %}


{#- Whether a row is of a day that this build restates; in a full build every row is. -#}
{% macro is_restated(day, days) -%}
    {%- set days = ref(days) -%}
    {%- if execute and is_incremental() -%}
        {{ day }} in (select restated_on from {{ days }})
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}


{#-
    Whether a timestamp may be of a restated day in whatever zone, as comparisons with constants: what lies outside is
    not even read. Beside `is_restated`, never instead of it.
-#}
{% macro may_be_restated(ts, days) -%}
    {%- set days = ref(days) -%}
    {%- if not execute or not is_incremental() -%}
        true
    {%- else -%}
        {%- set spans = restated_spans(days) -%}
        {%- if not spans %}false{% endif -%}
        {%- for first, last in spans -%}
            {{ 'or ' if not loop.first }}{{ ts }} between timestamptz '{{ first }} 00:00:00+00' and timestamptz '{{ last }} 00:00:00+00'{{ ' ' if not loop.last }}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}


{#- First and last UTC midnight of each run of restated days, two days wider on either side than any zone needs. -#}
{% macro restated_spans(days) -%}
    {%- set query %}
        select
            min(restated_on) - 2 as first_on,
            max(restated_on) + 3 as last_on
        from (
            select
                restated_on,
                sum(case when restated_on - previous_on > 5 then 1 else 0 end) over (order by restated_on rows unbounded preceding) as span
            from (select restated_on, lag(restated_on) over (order by restated_on) as previous_on from {{ days }}) as stepped
        ) as numbered
        group by span
        order by first_on
    {% endset -%}
    {{- return(run_query(query).rows | map('list') | list) -}}
{%- endmacro %}


{#-
    How dbt puts an increment in place: all rows of restated days go, those that the model found come. Not dbt's
    `delete+insert`, which deletes only days that have rows still: a day whose last row was deleted would stay.
-#}
{% macro get_incremental_restate_sql(arg_dict) -%}
    {%- set columns = get_quoted_csv(arg_dict.dest_columns | map(attribute='name')) -%}
    {%- set days = api.Relation.create(
        database=this.database, schema=this.schema, identifier=config.get('meta')['restated_days']
    ) -%}
    delete from {{ arg_dict.target_relation }}
    where {{ arg_dict.unique_key }} in (select restated_on from {{ days }});

    insert into {{ arg_dict.target_relation }} ({{ columns }})
    select {{ columns }} from {{ arg_dict.temp_relation }}
{%- endmacro %}
