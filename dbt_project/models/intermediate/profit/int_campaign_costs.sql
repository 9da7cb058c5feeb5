-- One row per campaign and the day's sales that it is shared out over: by what was sold, to four digits. What sold
-- nothing stands on a row of no product.
with

lines as (
    select * from {{ ref('fct_sales_line') }}
    where is_counted and is_revenue and sales_view = 'sell_out' and line_kind <> 'refund'
),

shops as (
    select * from {{ ref('shops') }}
),

costs as (
    select * from {{ ref('int_campaigns') }}
),

placed as (
    select distinct
        'promotion:' || promotion_id as cost_id,
        sku,
        store_id,
        week_on
    from {{ ref('stg_trade__placements') }}
),

met as (
    select
        costs.cost_id,
        costs.step,
        costs.amount,
        lines.*
    from costs
    inner join shops on costs.shop_id = shops.shop_id or (costs.shop_id is null and costs.platform in (shops.platform, shops.shop_id))
    inner join lines on shops.shop_id = lines.shop_id and costs.cost_on = lines.sold_on
    union all
    select
        costs.cost_id,
        costs.step,
        costs.amount,
        lines.*
    from costs
    inner join placed on costs.cost_id = placed.cost_id
    inner join lines
        on placed.store_id = lines.location_id and placed.sku = lines.sku and placed.week_on = {{ week_of('lines.sold_on') }}
),

sales as (
    select
        cost_id,
        step,
        amount,
        channel_id,
        shop_id,
        location_id,
        region,
        sku,
        sold_on,
        cast(sum(net_sales_amount) as decimal(18, 4)) as sold_amount
    from met
    group by cost_id, step, amount, channel_id, shop_id, location_id, region, sku, sold_on
),

weighed as (
    select
        *,
        {{ to_decimal('(cast(sold_amount as double) / sum(sold_amount) over (partition by cost_id))', 12) }} as weight,
        row_number() over (partition by cost_id order by sold_amount desc, location_id asc, region asc, sku asc, sold_on asc, shop_id asc) = 1
            as is_first
    from sales
    where sold_amount > 0
),

final as (
    select
        cost_id,
        step,
        channel_id,
        shop_id,
        location_id,
        region,
        sku,
        sold_on,
        {{ share_of('amount', 'weight', 'cost_id', 'is_first') }} as amount
    from weighed
    union all
    select
        costs.cost_id,
        costs.step,
        coalesce(shops.channel_id, '-') as channel_id,
        coalesce(costs.shop_id, '-') as shop_id,
        '-' as location_id,
        '-' as region,
        '-' as sku,
        costs.cost_on as sold_on,
        costs.amount
    from costs
    left join shops on costs.shop_id = shops.shop_id
    anti join weighed on costs.cost_id = weighed.cost_id
)

select * from final
