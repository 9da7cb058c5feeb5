-- One row per store or warehouse and SKU with stock: what of it can be sold, how many days the forecast takes to use that
-- up, what will expire first, and what is asked for within the lead time and up to what is called excess.
with

shares as (
    select * from {{ ref('int_demand_shares') }}
),

places as (
    select distinct
        shares.location_id,
        shares.sku,
        cast(greatest(coalesce(policies.lead_time_days, {{ var('lead_time_days') }}), 1) as double) as lead_days
    from shares
    left join {{ ref('int_planning_item_policy') }} as policies on shares.sku = policies.sku
),

walked as (
    select * from {{ ref('int_lots_walked') }}
),

demand as (
    select * from {{ ref('int_cover_demand') }}
),

held as (
    select
        places.location_id,
        places.sku,
        places.lead_days,
        coalesce(sum(case when walked.saleable_days > 0 then walked.units end), 0) as saleable_units,
        coalesce(sum(walked.sold_units), 0) as sold_units,
        coalesce(sum(walked.wasted_units), 0) as wasted_units,
        coalesce(sum(case when walked.saleable_days > 0 and walked.saleable_days <= places.lead_days then walked.wasted_units end), 0)
            as wasted_soon_units,
        min(case when walked.wasted_units > 0 then walked.expiry_on end) as wasted_on
    from places
    left join walked on places.location_id = walked.location_id and places.sku = walked.sku
    group by places.location_id, places.sku, places.lead_days
),

-- Each step of the forecast asked three questions: does stock end in it, the lead time, the days up to excess?
asked as (
    select
        held.location_id,
        held.sku,
        sum(demand.daily_units) as any_units,
        min(
            case
                when
                    held.sold_units > demand.units_before
                    and held.sold_units <= demand.units_before + demand.daily_units * (demand.to_days - demand.from_days)
                    then demand.from_days + (held.sold_units - demand.units_before) / demand.daily_units
            end
        ) as cover_days,
        {%- for name, ahead in [('lead', 'held.lead_days'), ('excess', 'held.lead_days + ' ~ var('excess_days'))] %}
        {%- for kind in ['units', 'variance'] %}
        sum(
            case
                when {{ ahead }} > demand.from_days and {{ ahead }} <= demand.to_days
                    then demand.{{ kind }}_before + ({{ ahead }} - demand.from_days) * demand.daily_{{ kind }}
            end
        ) as {{ name }}_{{ kind }},
        {%- endfor %}
        {%- endfor %}
        max(demand.step) as steps
    from held
    inner join demand on held.location_id = demand.location_id and held.sku = demand.sku
    group by held.location_id, held.sku
),

final as (
    select
        held.*,
        coalesce(asked.any_units > 0, false) as is_asked_for,
        case when asked.any_units > 0 then case when held.sold_units <= 0 then 0 else asked.cover_days end end as days_of_cover,
        coalesce(asked.lead_units, 0) as lead_units,
        coalesce(asked.lead_units, 0) / held.lead_days as daily_units,
        coalesce(asked.lead_variance, 0) as lead_variance,
        greatest(held.saleable_units - coalesce(asked.excess_units, 0), 0) as excess_units
    from held
    left join asked on held.location_id = asked.location_id and held.sku = asked.sku
)

select * from final
