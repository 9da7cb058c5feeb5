-- What history learnt of days is shown whole: no day of it is without a day of demand, none is shown twice.
with

learnt as (
    select
        count(*) as days,
        coalesce(sum({{ to_decimal('unconstrained_units', 3) }}), 0) as units
    from {{ ref('stg_forecasting__history') }}
),

shown as (
    select
        count(*) as days,
        coalesce(sum(unconstrained_units), 0) as units
    from {{ ref('mart_demand_history') }}
    where method <> 'observed'
)

select
    learnt.days as learnt_days,
    shown.days as shown_days,
    learnt.units as learnt_units,
    shown.units as shown_units
from learnt
cross join shown
where learnt.days <> shown.days or learnt.units <> shown.units
