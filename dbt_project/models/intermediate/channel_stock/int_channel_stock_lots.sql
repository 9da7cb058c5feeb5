-- One row per holder, SKU, lot and week with stock at any time in it: what it opened and closed with, the most it held
-- at a day's end, what flowed, and how old the lot was at the week's end.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

days as (
    select
        *,
        {{ week_of('stock_on') }} as week_on
    from {{ ref('int_channel_stock_days') }}
),

lots as (
    select
        sku,
        lot_id,
        min(produced_on) as produced_on,
        min(expiry_on) as expiry_on
    from {{ ref('int_lots') }}
    where lot_id <> '-'
    group by sku, lot_id
),

told as (
    select
        distributor_id,
        sku,
        lot_id,
        min(expiry_on) as expiry_on
    from {{ ref('stg_distributor__stock') }}
    group by distributor_id, sku, lot_id
),

weekly as (
    select
        distributor_id,
        sku,
        lot_id,
        holder_kind,
        week_on,
        min_by(opening_units, stock_on) as opening_units,
        max_by(closing_units, stock_on) as closing_units,
        max(closing_units) as peak_units,
        sum(purchase_units) as purchase_units,
        sum(sale_units) as sale_units,
        sum(return_units) as return_units,
        sum(write_off_units) as write_off_units,
        sum(adjustment_units) as adjustment_units,
        lead(week_on) over (partition by distributor_id, sku, lot_id order by week_on) as next_week_on
    from days
    group by distributor_id, sku, lot_id, holder_kind, week_on
),

-- Stock stands still between two weeks with a booking, and is still there in the weeks between.
standing as (
    select
        weekly.*,
        {{ dates_from(
            'week_on',
            'least(coalesce(next_week_on, workspace.today_on + 1), case when closing_units <> 0 then workspace.today_on + 1 else week_on + 1 end)',
            7
        ) }} as in_week_on
    from weekly
    cross join workspace
),

final as (
    select
        standing.distributor_id,
        standing.sku,
        standing.lot_id,
        standing.holder_kind,
        standing.in_week_on as week_on,
        {%- for name in ['purchase', 'sale', 'return', 'write_off', 'adjustment'] %}
        case when standing.in_week_on = standing.week_on then standing.{{ name }}_units else 0 end as {{ name }}_units,
        {%- endfor %}
        case when standing.in_week_on = standing.week_on then standing.opening_units else standing.closing_units end as opening_units,
        case when standing.in_week_on = standing.week_on then greatest(standing.opening_units, standing.peak_units) else standing.closing_units end
            as peak_units,
        standing.closing_units,
        lots.produced_on,
        coalesce(told.expiry_on, lots.expiry_on) as expiry_on,
        {{ days_between('lots.produced_on', 'standing.in_week_on + 6') }} as age_days
    from standing
    left join lots on standing.sku = lots.sku and standing.lot_id = lots.lot_id
    left join told on standing.distributor_id = told.distributor_id and standing.sku = told.sku and standing.lot_id = told.lot_id
)

select * from final
