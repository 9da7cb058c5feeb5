-- One row per source and stream that was ever loaded: its rows over all loads, its last pull, and why rows are in quarantine.
with

loads as (
    select * from {{ ref('int_stream_loads') }}
),

reasons as (
    select
        _source,
        stream,
        reason as main_reason,
        count(*) over (partition by _source, stream) as reasons
    from {{ ref('mart_quarantine') }}
    qualify row_number() over (partition by _source, stream order by reason_rows desc, reason asc, field asc) = 1
),

dismissed as (
    select
        source as _source,
        stream,
        dismissed as dismissed_rows
    from {{ told('dismissed') }}
),

counted as (
    select
        _source,
        stream,
        count(*) as loads,
        sum(pulled_rows) as pulled_rows,
        sum(landed_rows) as landed_rows,
        -- Signed: what a replay lands leaves quarantine, so that this is what is in it now.
        sum(quarantined_rows) as quarantined_rows,
        coalesce(sum(quarantined_rows) filter (where kind = 'pull'), 0) as refused_rows,
        coalesce(sum(landed_rows) filter (where kind = 'replay'), 0) as replayed_rows,
        max(loaded_at) as last_loaded_at,
        max(watermark_at) as watermark_at,
        max_by(pulled_rows, visible_seq) filter (where kind = 'pull') as last_pulled_rows,
        max_by(landed_rows, visible_seq) filter (where kind = 'pull') as last_landed_rows,
        max_by(quarantined_rows, visible_seq) filter (where kind = 'pull') as last_quarantined_rows
    from loads
    group by _source, stream
),

final as (
    select
        counted.* {{ but(['quarantined_rows']) }},
        -- What people set aside stays in quarantine, and nobody has to look at it any more.
        counted.quarantined_rows - coalesce(dismissed.dismissed_rows, 0) as quarantined_rows,
        coalesce(dismissed.dismissed_rows, 0) as dismissed_rows,
        coalesce(reasons.reasons, 0) as reasons,
        coalesce(reasons.main_reason, '') as main_reason
    from counted
    left join reasons on counted._source = reasons._source and counted.stream = reasons.stream
    left join dismissed on counted._source = dismissed._source and counted.stream = dismissed.stream
)

select * from final
