{{ config(tags=['pass_b']) }}

-- One row per alarm: how long it rang, what the line was making, the repair it called for, and which measured value moved
-- most while it rang. A failure is an unplanned stop that called for a repair; of a line without repair orders, each is.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

events as (
    {{ with_device_line(ref('stg_scada__events'), 'started_at') }}
),

runs as (
    select * from {{ ref('fct_production_run') }}
),

maintained as (
    select distinct line_id from {{ ref('stg_maintenance__orders') }}
),

moved as (
    select * from {{ ref('fct_event_reading') }}
    qualify row_number() over (
        partition by _source, device_id, event_id
        order by moved_sigmas desc nulls last, reading_source asc, reading_device_id asc, tag asc
    ) = 1
),

alarms as (
    select
        events.*,
        coalesce(events.line_id, events.device_line_id) as of_line_id,
        {{ business_date('events.started_at', 'workspace.timezone', 'workspace.day_starts_minutes') }} as started_on,
        coalesce(events.ended_at, workspace.now_at) as until_at
    from events
    cross join workspace
),

-- A repair names an alarm by a number that other devices give as well: the line tells whose it is.
repairs as (
    select
        alarms._source,
        alarms.device_id,
        alarms.event_id,
        orders.mwo_id,
        orders.cause,
        orders.currency,
        {{ minutes_between('orders.opened_at', 'orders.closed_at') }} as repair_minutes,
        sum(orders.parts_amount) over (
            partition by alarms._source, alarms.device_id, alarms.event_id, orders.currency
        ) as parts_amount
    from alarms
    inner join {{ ref('stg_maintenance__orders') }} as orders
        on alarms.event_id = orders.trigger_event_id and coalesce(orders.line_id, alarms.of_line_id) = alarms.of_line_id
    qualify row_number() over (
        partition by alarms._source, alarms.device_id, alarms.event_id
        order by orders.opened_at, orders.mwo_id
    ) = 1
),

making as (
    select
        _source,
        device_id,
        event_id,
        work_order_id,
        sku,
        lot_id
    from (
        {{ as_of(
            'alarms', 'started_at', 'runs', 'started_at', {'of_line_id': 'line_id'},
            ['work_order_id', 'sku', 'lot_id', 'ended_at as run_ended_at']
        ) }}
    ) as begun_before
    where started_at < run_ended_at
),

final as (
    select
        alarms._source,
        alarms.device_id,
        alarms.event_id,
        alarms.of_line_id as line_id,
        coalesce(alarms.kind, '-') as kind,
        alarms.severity,
        coalesce(alarms.message, '-') as message,
        alarms.started_at,
        alarms.acknowledged_at,
        alarms.ended_at,
        alarms.started_on,
        round({{ minutes_between('alarms.started_at', 'alarms.until_at') }}, 4) as duration_minutes,
        round({{ minutes_between('alarms.started_at', 'alarms.acknowledged_at') }}, 4) as acknowledge_minutes,
        alarms.ended_at is null as is_open,
        making.work_order_id,
        making.sku,
        making.lot_id,
        repairs.mwo_id,
        round(repairs.repair_minutes, 4) as repair_minutes,
        repairs.cause,
        cast(repairs.parts_amount as decimal(18, 4)) as parts_amount,
        repairs.currency,
        coalesce(alarms.kind = 'stop' and (repairs.mwo_id is not null or maintained.line_id is null), false) as is_failure,
        moved.tag as moved_tag,
        moved.before_mean as moved_before,
        moved.during_mean as moved_during,
        moved.unit as moved_unit,
        moved.moved_sigmas
    from alarms
    left join making on alarms._source = making._source and alarms.device_id = making.device_id and alarms.event_id = making.event_id
    left join repairs on alarms._source = repairs._source and alarms.device_id = repairs.device_id and alarms.event_id = repairs.event_id
    left join maintained on alarms.of_line_id = maintained.line_id
    left join moved on alarms._source = moved._source and alarms.device_id = moved.device_id and alarms.event_id = moved.event_id
)

select * from final
