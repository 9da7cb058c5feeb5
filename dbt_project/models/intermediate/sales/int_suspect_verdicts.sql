-- One row per web order that people have judged: their latest word, from the portal's form or the workspace's CSV. A
-- verdict that was taken back is a row without a verdict, so that an older one does not return.
with

listed as (
    select * from {{ ref('suspect_verdicts') }}
),

entries as (
    select * from {{ ref('stg_tillmill__entries') }}
    where form = 'suspect_verdicts'
),

told as (
    select
        shop_id,
        order_id,
        verdict,
        author,
        reason,
        cast(decided_on as timestamp) as decided_at,
        0 as load_seq,
        0 as row_number_in_load
    from listed
    union all
    select
        {{ json_text('entries.row', 'shop_id') }} as shop_id,
        {{ json_text('entries.row', 'order_id') }} as order_id,
        {{ json_text('entries.new', 'verdict') }} as verdict,
        author,
        {{ json_text('entries.new', 'reason') }} as reason,
        entries.at as decided_at,
        _load_seq as load_seq,
        _row as row_number_in_load
    from entries
),

final as (
    select
        shop_id,
        order_id,
        verdict,
        author,
        reason,
        decided_at
    from told
    qualify
        row_number() over (
            partition by shop_id, order_id
            order by decided_at desc, load_seq desc, row_number_in_load desc
        ) = 1
)

select * from final
