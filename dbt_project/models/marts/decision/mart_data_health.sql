{{ config(tags=['pass_d']) }}
{%- set totalled = ['loads', 'pulled_rows', 'landed_rows', 'quarantined_rows', 'dismissed_rows', 'refused_rows', 'replayed_rows'] %}
{%- set texts = ['lost_fields', 'new_fields', 'retyped_fields', 'unmapped_fields'] %}

-- One row per source and stream that is bound or was ever loaded, and one (source '-') per stream that no source brings:
-- is it fresh, is every row accounted for, what is in quarantine now, did its fields change, does it equal what the
-- source says of itself; and one code for all of it.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

streams as (
    select
        source as _source,
        stream,
        connector
    from {{ told('streams') }}
),

loads as (
    select * from {{ ref('int_stream_account') }}
),

totals as (
    select * from {{ ref('int_stream_totals') }}
),

controls as (
    select * from {{ ref('int_control_totals') }}
),

changed as (
    select
        _source,
        stream,
        {{ joined('field', ', ') }} filter (where change = 'lost') as lost_fields,
        {{ joined('field', ', ') }} filter (where change = 'new') as new_fields,
        {{ joined('field', ', ') }} filter (where change = 'retyped') as retyped_fields,
        {{ joined('field', ', ') }} filter (where change = 'unmapped') as unmapped_fields
    from {{ ref('mart_field_change') }}
    group by _source, stream
),

compared as (
    select
        coalesce(streams._source, loads._source) as _source,
        coalesce(streams.stream, loads.stream) as stream,
        coalesce(streams.connector, '-') as connector,
        streams.stream is not null and streams._source <> '-' as is_bound,
        loads.* {{ but(['_source', 'stream']) }},
        totals.current_rows,
        round(cast({{ seconds_between('loads.watermark_at', 'workspace.now_at') }} as double) / 3600, 2) as lag_hours,
        totals.expected_hours,
        controls.control_rows - coalesce(totals.current_rows, 0) as control_rows_diff,
        -- What the warehouse does not sum up of a stream is not compared; of no row at all it is nothing.
        {%- for name, digits in [('units', 3), ('amount', 4)] %}
        case
            when totals.current_rows is null or totals.{{ name }} is not null
                then cast(controls.control_{{ name }} - coalesce(totals.{{ name }}, 0) as decimal(18, {{ digits }}))
        end as control_{{ name }}_diff,
        {%- endfor %}
        changed.lost_fields,
        changed.new_fields,
        changed.retyped_fields,
        changed.unmapped_fields
    from streams
    full join loads on streams._source = loads._source and streams.stream = loads.stream
    cross join workspace
    left join totals on loads._source = totals._source and loads.stream = totals.stream
    left join controls on loads._source = controls._source and loads.stream = controls.stream
    left join changed on loads._source = changed._source and loads.stream = changed.stream
),

counted as (
    select
        {%- for name in totalled %}
        cast(coalesce({{ name }}, 0) as bigint) as {{ name }},
        {%- endfor %}
        {%- for name in texts %}
        coalesce({{ name }}, '') as {{ name }},
        {%- endfor %}
        * {{ but(totalled + texts) }}
    from compared
),

judged as (
    select
        *,
        pulled_rows = landed_rows + quarantined_rows + dismissed_rows as is_accounted,
        case when loads > 0 then coalesce(lag_hours <= expected_hours, true) end as is_fresh,
        -- Unknown where the source gives no totals.
        case
            when control_rows_diff is not null
                then
                    control_rows_diff = 0 and coalesce(control_units_diff, 0) = 0 and coalesce(control_amount_diff, 0) = 0
        end as is_equal_to_control
    from counted
),

final as (
    select
        *,
        case
            when _source = '-' then 'not_connected'
            when not is_accounted then 'lost'
            when not is_equal_to_control then 'differs'
            when quarantined_rows > 0 then 'quarantined'
            when is_bound and loads = 0 then 'never'
            when lost_fields <> '' then 'fields_lost'
            when not is_fresh then 'late'
            when new_fields <> '' or retyped_fields <> '' then 'changed'
            else 'fine'
        end as verdict
    from judged
)

select * from final
