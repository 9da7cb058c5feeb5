{{ config(tags=['pass_d']) }}

-- One row per load, of each stream's latest thirty: when it ended, what it pulled, landed and kept apart.
with

final as (
    select
        _load_id,
        _source,
        stream,
        kind,
        pulled_rows,
        landed_rows,
        quarantined_rows,
        loaded_at,
        watermark_at,
        cast(place as bigint) as place
    from {{ ref('int_stream_loads') }}
    where place <= 30
)

select * from final
