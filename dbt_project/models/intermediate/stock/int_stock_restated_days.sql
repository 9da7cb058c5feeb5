{#- Named here, because dbt reads a model's references without knowing what is held. -#}
{%- set touched, counts, locations = ref('int_stock_touched_days'), ref('stg_wms__stock'), ref('dim_location') -%}
{%- set bookings, days = held('int_stock_bookings'), held('fct_stock_day') -%}
-- One row per date of which this build states bookings and balances anew: every date with stock from the earliest touched
-- one on, because a balance carries all that was before it; none where a build states all of them.
with

{% if bookings and days -%}
earliest as (
    select min(touched_on) as touched_on from {{ touched }}
),

-- What is counted from then on, or was in the last build.
counted as (
    select
        counts.location_id,
        counts.sku,
        {{ lot_kept('locations.kind', 'counts.lot_id') }} as lot_id,
        counts.quality
    from {{ counts }} as counts
    inner join earliest on counts.as_of >= earliest.touched_on
    left join {{ locations }} as locations on counts.location_id = locations.location_id
    union
    select
        held.location_id,
        held.sku,
        held.lot_id,
        held.quality
    from {{ days }} as held
    inner join earliest on held.stock_on >= earliest.touched_on
    where held.counted_units is not null
),

-- A first count tells the books before it back to their beginning; but a lot that came in began with nothing.
told_back as (
    select min(held.stock_on) as stock_on
    from {{ days }} as held
    semi join counted
        on
            held.location_id = counted.location_id and held.sku = counted.sku
            and held.lot_id = counted.lot_id and held.quality = counted.quality
    inner join earliest on held.stock_on < earliest.touched_on
    group by held.location_id, held.sku, held.lot_id, held.quality
    having count(held.counted_units) = 0 and (held.lot_id = '-' or min_by(held.in_units, held.stock_on) <= 0)
),

first as (
    select min(stock_on) as stock_on
    from (
        select touched_on as stock_on from {{ touched }}
        union all
        select stock_on from told_back
    ) as either
),

stated as (
    select touched_on as stock_on from {{ touched }}
    union
    select stock_on from {{ bookings }}
    union
    select stock_on from {{ days }}
),

final as (
    select stated.stock_on as restated_on
    from stated
    inner join first on stated.stock_on >= first.stock_on
)
{%- else -%}
final as (
    select touched_on as restated_on from {{ touched }}
)
{%- endif %}

select * from final
