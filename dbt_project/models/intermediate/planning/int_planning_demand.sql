-- One row per SKU, channel and week of the forecast, people's overrides in it: what the mill must be able to deliver.
with

forecast as (
    select * from {{ ref('int_forecast_final') }}
    where freq = 'W'
),

channels as (
    select * from {{ ref('channels') }}
),

final as (
    select
        forecast.sku,
        'PLANT' as location_id,
        forecast.channel_id,
        forecast.bucket_on as week_on,
        {{ in_order('sum', 'forecast.final_units', 'forecast.location_id') }} as mean,
        {{ in_order('sum', 'forecast.q50_units', 'forecast.location_id') }} as q50,
        {{ in_order('sum', 'forecast.q90_units', 'forecast.location_id') }} as q90,
        cast(coalesce(min(channels.position), 9) as bigint) as priority
    from forecast
    left join channels on forecast.channel_id = channels.channel_id
    group by forecast.sku, forecast.channel_id, forecast.bucket_on
)

select * from final
