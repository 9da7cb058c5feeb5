{{ config(tags=['pass_d']) }}

-- One row per source and stream that was ever loaded: is it fresh, is every row accounted for, does it equal what the
-- source says of itself; and one plain word for all of it.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

loads as (
    select
        _source,
        stream,
        count(*) as loads,
        cast(sum(pulled) as bigint) as pulled_rows,
        cast(sum(landed) as bigint) as landed_rows,
        cast(sum(quarantined) as bigint) as quarantined_rows,
        max(ended_at) as last_loaded_at,
        max(watermark_at) as watermark_at,
        coalesce(max_by(extra_fields, visible_seq) filter (where extra_fields <> ''), '') as extra_fields
    from {{ ref('int_loads') }}
    group by _source, stream
),

totals as (
    select * from {{ ref('int_stream_totals') }}
),

controls as (
    select * from {{ ref('int_control_totals') }}
),

compared as (
    select
        loads._source,
        loads.stream,
        loads.loads,
        loads.pulled_rows,
        loads.landed_rows,
        loads.quarantined_rows,
        loads.pulled_rows = loads.landed_rows + loads.quarantined_rows as is_accounted,
        coalesce(totals.current_rows, 0) as current_rows,
        loads.last_loaded_at,
        loads.watermark_at,
        round(date_diff('second', loads.watermark_at, workspace.now_at) / 3600.0, 2) as lag_hours,
        totals.expected_hours,
        controls.control_rows - coalesce(totals.current_rows, 0) as control_rows_diff,
        cast(controls.control_units - coalesce(totals.units, 0) as decimal(18, 3)) as control_units_diff,
        cast(controls.control_amount - coalesce(totals.amount, 0) as decimal(18, 4)) as control_amount_diff,
        loads.extra_fields
    from loads
    cross join workspace
    left join totals on loads._source = totals._source and loads.stream = totals.stream
    left join controls on loads._source = controls._source and loads.stream = controls.stream
),

judged as (
    select
        *,
        coalesce(lag_hours <= expected_hours, true) as is_fresh,
        -- Unknown where the source gives no totals.
        case
            when control_rows_diff is not null
                then
                    control_rows_diff = 0 and coalesce(control_units_diff, 0) = 0 and coalesce(control_amount_diff, 0) = 0
        end as is_equal_to_control
    from compared
),

final as (
    select
        * exclude (expected_hours),
        case
            when not is_accounted then 'rows unaccounted for'
            when quarantined_rows > 0 then 'rows in quarantine'
            when not is_equal_to_control then 'differs from source'
            when not is_fresh then 'late'
            else 'ok'
        end as verdict
    from judged
)

select * from final
