{{ config(tags=['pass_d']) }}

-- One row per stream, field and reason for which rows are in quarantine now, replayed ones no longer.
with

final as (
    select
        source as _source,
        stream,
        field,
        reason,
        rows as reason_rows,
        first_seen_at,
        last_seen_at,
        example
    from {{ told('quarantine') }}
)

select * from final
