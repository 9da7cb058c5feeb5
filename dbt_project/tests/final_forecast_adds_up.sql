-- What an override that holds for all its series says is what their final figures add up to: nothing is lost in sharing.
with

held as (
    select
        override_id,
        bucket_on,
        count(*) as series,
        sum(final_units) as final_units
    from {{ ref('mart_forecast') }}
    where override_id is not null
    group by override_id, bucket_on
),

spoken as (
    select
        overrides.override_id,
        overrides.bucket_on,
        overrides.new_units,
        count(*) as series
    from {{ ref('int_forecast_overrides') }} as overrides
    inner join {{ ref('mart_forecast') }} as forecast
        on
            overrides.bucket_on = forecast.bucket_on
            and overrides.sku in ('*', forecast.sku)
            and overrides.channel_id in ('*', forecast.channel_id)
            and overrides.location_id in ('*', forecast.location_id)
    left join {{ ref('dim_product') }} as product on forecast.sku = product.sku and product.is_current
    where
        not forecast.is_history
        and overrides.is_counted
        and overrides.category in ('*', coalesce(product.category, 'unknown'))
    group by overrides.override_id, overrides.bucket_on, overrides.new_units
)

select
    held.*,
    spoken.new_units
from held
inner join spoken on held.override_id = spoken.override_id and held.bucket_on = spoken.bucket_on
where held.series = spoken.series and abs(held.final_units - spoken.new_units) > 1e-6 * greatest(1, spoken.new_units)
