-- One row per load of the manifest: what this candidate reads.
with

manifest as (
    select * from read_parquet({{ workspace_setting('TILLMILL_MANIFEST', '') }})
    where load_id <> '-'
),

final as (
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
    from manifest
)

select * from final
