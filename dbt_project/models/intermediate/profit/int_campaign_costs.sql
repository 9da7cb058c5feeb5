-- One row per campaign and the day's sales that it is shared out over: by what was sold, to four digits. What sold
-- nothing stands on a row of no product.
with

sales as (
    select
        channel_id,
        shop_id,
        location_id,
        region,
        sku,
        sold_on,
        greatest(sold_amount, 0) as sold_amount
    from {{ ref('int_channel_sales') }}
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
        costs.*,
        sales.* {{ but(['shop_id']) }},
        sales.shop_id as sold_in
    from costs
    inner join shops on costs.shop_id = shops.shop_id or (costs.shop_id is null and costs.platform in (shops.platform, shops.shop_id))
    inner join sales on shops.shop_id = sales.shop_id and costs.cost_on = sales.sold_on
    union all
    select
        costs.*,
        sales.* {{ but(['shop_id']) }},
        sales.shop_id as sold_in
    from costs
    inner join placed on costs.cost_id = placed.cost_id
    inner join sales
        on placed.store_id = sales.location_id and placed.sku = sales.sku and placed.week_on = {{ week_of('sales.sold_on') }}
),

weighed as (
    select
        *,
        {{ to_decimal('(cast(sold_amount as double) / sum(sold_amount) over (partition by cost_id))', 12) }} as weight,
        row_number() over (partition by cost_id order by sold_amount desc, location_id asc, region asc, sku asc, sold_on asc, sold_in asc) = 1
            as is_first
    from met
    where sold_amount > 0
),

final as (
    select
        cost_id,
        step,
        channel_id,
        sold_in as shop_id,
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
