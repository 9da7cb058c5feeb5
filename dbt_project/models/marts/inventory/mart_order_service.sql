{{ config(tags=['pass_c']) }}
{%- set promised = [
    'order_kind', '_source', 'account_id', 'order_id', 'line_no', 'channel_id', 'sku', 'ordered_units', 'ship_by_on', 'requested_on'
] %}

-- One row per line of goods that somebody ordered from us: was it sent in time in one shipment (fill rate), was all of it
-- received in time (OTIF), and the one reason why not. Lines not yet due, and receipts that nobody tells, say nothing.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

promises as (
    select * from {{ ref('int_order_promises') }}
),

shipments as (
    select
        *,
        shipped_on = min(shipped_on) over (partition by order_kind, _source, account_id, order_id, line_no) as is_first
    from {{ ref('int_order_shipments') }}
),

served as (
    select
        {%- for column in promised %}
        promises.{{ column }},
        {%- endfor %}
        min(shipments.shipped_on) as shipped_on,
        max(shipments.received_on) as received_on,
        count(distinct shipments.shipped_on) as shipments,
        cast(coalesce(sum(shipments.shipped_units), 0) as decimal(18, 3)) as shipped_units,
        cast(coalesce(sum(shipments.received_units), 0) as decimal(18, 3)) as received_units,
        coalesce(sum(case when shipments.is_first and shipments.shipped_on <= promises.ship_by_on then shipments.shipped_units end), 0)
            as first_units,
        coalesce(sum(case when shipments.received_on <= promises.requested_on then shipments.received_units end), 0) as in_time_units,
        -- Sent in time to be received in time, and nobody says whether it was.
        coalesce(sum(
            case when shipments.received_on is null and shipments.shipped_on <= promises.requested_on then shipments.shipped_units end
        ), 0) as untold_units
    from promises
    left join shipments
        on
            promises.order_kind = shipments.order_kind and promises._source = shipments._source
            and promises.account_id = shipments.account_id and promises.order_id = shipments.order_id
            and promises.line_no = shipments.line_no
    group by
    {%- for column in promised %}
        promises.{{ column }}{{ "," if not loop.last }}
    {%- endfor %}
),

judged as (
    select
        served.*,
        served.ship_by_on < workspace.today_on as is_ship_due,
        served.requested_on < workspace.today_on as is_due,
        case
            when served.requested_on < workspace.today_on
                then
                    case
                        when served.in_time_units >= served.ordered_units then true
                        when served.in_time_units + served.untold_units < served.ordered_units then false
                    end
        end as is_on_time_in_full
    from served
    cross join workspace
),

final as (
    select
        order_kind,
        _source,
        account_id,
        order_id,
        line_no,
        channel_id,
        sku,
        ship_by_on,
        requested_on,
        shipped_on,
        received_on,
        cast(shipments as integer) as shipments,
        ordered_units,
        shipped_units,
        received_units,
        cast(least(first_units, ordered_units) as decimal(18, 3)) as filled_units,
        cast(greatest(ordered_units - shipped_units, 0) as decimal(18, 3)) as short_units,
        case when is_ship_due then round(cast(least(first_units, ordered_units) as double) / cast(ordered_units as double), 4) end as fill_rate,
        is_due,
        is_on_time_in_full,
        case
            when is_on_time_in_full then 'on_time_in_full'
            when not is_due then 'open'
            when shipped_units = 0 then 'not_shipped'
            when shipped_units < ordered_units then 'short_shipped'
            when is_on_time_in_full is null then 'receipt_unknown'
            when shipped_on > ship_by_on then 'shipped_late'
            when received_units > 0 and received_units < shipped_units then 'short_received'
            when shipments > 1 then 'in_parts'
            else 'received_late'
        end as reason
    from judged
)

select * from final
