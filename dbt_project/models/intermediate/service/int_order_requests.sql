-- One row per line of a trade account's order that was ever to come by a day: the day that was asked for first, or that we
-- promised first where none was ever asked for. Staging keeps what holds, the lake what was said before.
with

said as (
    select * from {{ landed('erp.sales_orders', loads='all') }}
    where _op <> 'delete'
),

days as (
    select
        _source,
        so_id,
        line_no,
        requested_on as asked_on,
        0 as place,
        updated_at,
        _load_seq,
        _row
    from said
    where requested_on is not null
    union all
    select
        _source,
        so_id,
        line_no,
        promised_on as asked_on,
        1 as place,
        updated_at,
        _load_seq,
        _row
    from said
    where promised_on is not null
),

final as (
    select
        _source,
        so_id,
        line_no,
        asked_on as first_asked_on
    from days
    qualify row_number() over (
        partition by _source, so_id, line_no
        order by place, updated_at nulls first, _load_seq, _row
    ) = 1
)

select * from final
