{{ config(tags=['pass_b']) }}

-- One row per distributor or place whose goods are sold, SKU and week since it first had it: sell-in, what it sold on, what
-- that leaves in the channel, for how many weeks, how old it is, and whether more was pushed in than goes out.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

lots as (
    select
        *,
        -- What is held on an ordinary day: a distributor that sells out within the week closes it with nothing.
        greatest(peak_units, closing_units) as held_units,
        3 * {{ days_between('week_on + 6', 'expiry_on') }} <= {{ days_between('produced_on', 'expiry_on') }} as is_late
    from {{ ref('int_channel_stock_lots') }}
),

firsts as (
    select
        distributor_id,
        sku,
        max(holder_kind) as holder_kind,
        min(week_on) as first_week_on
    from lots
    group by distributor_id, sku
),

weeks as (
    select
        firsts.distributor_id,
        firsts.sku,
        firsts.holder_kind,
        {{ dates_from('firsts.first_week_on', 'workspace.today_on + 1', 7) }} as week_on
    from firsts
    cross join workspace
),

weekly as (
    select
        weeks.distributor_id,
        weeks.sku,
        weeks.holder_kind,
        weeks.week_on,
        {%- for name in ['opening', 'purchase', 'sale', 'return', 'write_off', 'adjustment', 'closing', 'held'] %}
        coalesce(sum(lots.{{ name }}_units), 0) as {{ name }}_units,
        {%- endfor %}
        coalesce(sum(case when lots.is_late then lots.closing_units end), 0) as late_units,
        max(case when lots.held_units > 0 then lots.age_days end) as oldest_days
    from weeks
    left join lots on weeks.distributor_id = lots.distributor_id and weeks.sku = lots.sku and weeks.week_on = lots.week_on
    group by weeks.distributor_id, weeks.sku, weeks.holder_kind, weeks.week_on
),

four_weeks as (
    select
        *,
        sum(purchase_units) over month_so_far as purchase_4w_units,
        sum(sale_units) over month_so_far as sale_4w_units,
        count(*) over month_so_far as weeks
    from weekly
    window month_so_far as (partition by distributor_id, sku order by week_on rows between 3 preceding and current row)
),

final as (
    select
        distributor_id,
        sku,
        week_on,
        holder_kind,
        cast(opening_units as decimal(18, 3)) as opening_units,
        cast(purchase_units as decimal(18, 3)) as sell_in_units,
        cast(sale_units as decimal(18, 3)) as sell_through_units,
        cast(return_units as decimal(18, 3)) as returned_units,
        cast(write_off_units as decimal(18, 3)) as written_off_units,
        cast(adjustment_units as decimal(18, 3)) as adjustment_units,
        cast(closing_units as decimal(18, 3)) as closing_units,
        cast(held_units as decimal(18, 3)) as held_units,
        cast(purchase_4w_units as decimal(18, 3)) as sell_in_4w_units,
        cast(sale_4w_units as decimal(18, 3)) as sell_through_4w_units,
        case when sale_4w_units > 0 then round(cast(closing_units as double) * weeks / cast(sale_4w_units as double), 2) end as weeks_of_cover,
        cast(oldest_days as integer) as oldest_days,
        cast(late_units as decimal(18, 3)) as late_units,
        closing_units > 0
        and purchase_4w_units >= {{ var('stuffing_ratio') }} * sale_4w_units
        and purchase_4w_units - sale_4w_units >= {{ var('stuffing_units') }} as is_stuffed
    from four_weeks
)

select * from final
