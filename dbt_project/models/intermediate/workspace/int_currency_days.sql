-- One row per currency and date on which its rate is known, of all dates that an instant may have: what the amounts of a
-- date are converted at. A row per date, because many lines find theirs by equality much faster than within a span.
with

rates as (
    select * from {{ ref('int_currency_rates') }}
),

final as (
    select
        currency,
        {{ dates_of_instants('valid_from', 'valid_to') }} as rated_on,
        rate
    from rates
)

select * from final
