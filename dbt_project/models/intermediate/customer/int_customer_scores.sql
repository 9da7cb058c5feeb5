-- One row per customer who bought: recency, frequency and value, scored in fifths, and their name together.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

-- What comes back lowers the value of what was bought; it is no order. Samples, resends and shops that bring
-- no revenue sell nothing to anybody.
bought as (
    select
        customer_id,
        min(sold_on) filter (where not is_back) as first_order_on,
        max(sold_on) filter (where not is_back) as last_order_on,
        count(distinct order_key) filter (where not is_back) as frequency,
        cast(sum(net_sales_amount) as decimal(18, 4)) as monetary_amount
    from {{ ref('int_customer_lines') }}
    where is_revenue
    group by customer_id
),

-- Equal values get equal scores, so no order of rows decides anybody's fifth.
scored as (
    select
        bought.*,
        cast({{ days_between('bought.last_order_on', 'workspace.today_on') }} as integer) as recency_days,
        {{ fifth_of('bought.last_order_on') }} as recency_score,
        {{ fifth_of('bought.frequency') }} as frequency_score,
        {{ fifth_of('bought.monetary_amount') }} as monetary_score
    from bought
    cross join workspace
    where bought.frequency > 0
),

final as (
    select
        *,
        {{ rfm_segment('recency_score', 'frequency_score', 'monetary_score', 'frequency') }} as segment
    from scored
)

select * from final
