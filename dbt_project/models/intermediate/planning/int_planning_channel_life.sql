-- One row per channel and finished SKU: how many days of life the channel rejects, locks up, or is warned about.
with

channels as (
    select * from {{ ref('channels') }}
),

items as (
    select * from {{ ref('dim_product') }}
    where is_current
),

lives as (
    select * from {{ ref('channel_life') }}
),

routings as (
    select distinct sku from {{ ref('stg_mes__routings') }}
),

final as (
    select
        channels.channel_id,
        items.sku,
        cast(lives.reject_days as double) as reject_days,
        cast(lives.lockup_days as double) as lockup_days,
        cast(lives.warn_days as double) as warn_days
    from items
    semi join routings on items.sku = routings.sku
    cross join channels
    inner join lives
        on
            lives.channel_id in ('*', channels.channel_id)
            and lives.sku in ('*', items.sku)
            and lives.category in ('*', items.category)
    qualify row_number() over (
        partition by channels.channel_id, items.sku
        order by lives.sku = '*', lives.category = '*', lives.channel_id = '*'
    ) = 1
)

select * from final
