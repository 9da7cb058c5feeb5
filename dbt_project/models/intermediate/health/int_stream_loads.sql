-- One row per load that this candidate reads, what it learnt itself included: what each did, the latest first (`place` 1).
with

loads as (
    select * from {{ manifest_loads() }}
),

final as (
    select
        _load_id,
        _source,
        stream,
        visible_seq,
        -- A replay takes rows out of quarantine, and nothing else does (docs/adr/0014).
        case when quarantined < 0 then 'replay' else 'pull' end as kind,
        cast(pulled as bigint) as pulled_rows,
        cast(landed as bigint) as landed_rows,
        cast(quarantined as bigint) as quarantined_rows,
        ended_at as loaded_at,
        watermark_at,
        row_number() over (partition by _source, stream order by visible_seq desc) as place
    from loads
)

select * from final
