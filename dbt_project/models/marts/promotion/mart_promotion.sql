{{ config(tags=['pass_c']) }}

-- One row per promotion, SKU and channel of the latest measurement, those that cannot be measured included, with why.
with

effects as (
    select * from {{ ref('stg_promotions__effects') }}
),

rates as (
    select * from {{ ref('int_currency_days') }}
),

final as (
    select
        effects.promotion_id,
        effects.sku,
        effects.channel_id,
        effects.kind,
        effects.method,
        effects.starts_on,
        effects.ends_on,
        effects.treated_stores,
        effects.treated_units,
        effects.baseline_units,
        effects.incremental_units,
        effects.low_units,
        effects.high_units,
        effects.lift_rate,
        effects.p_placebo,
        effects.minimum_detectable_lift_rate,
        {{ converted('effects.margin_amount', 'rates.rate') }} as margin_amount,
        effects.roi,
        effects.verdict,
        effects.why
    from effects
    left join rates on effects.currency = rates.currency and effects.starts_on = rates.rated_on
)

select * from final
