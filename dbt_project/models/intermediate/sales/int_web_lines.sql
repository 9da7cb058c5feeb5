-- One row per line of a web order, in the shape of fct_sales_line but before conversion.
with

orders as (
    select * from {{ ref('int_web_orders') }}
),

lines as (
    select * from {{ ref('int_order_lines') }}
),

discounts as (
    select * from {{ ref('int_discounts_allocated') }}
),

parts as (
    select * from {{ ref('int_bundle_parts') }}
),

-- Sources say what a bundle cost on its own line, on its components' lines, or on both.
bundles as (
    select
        lines._source,
        lines.shop_id,
        lines.order_id,
        lines.line_no,
        lines.paid_amount <> 0 or coalesce(lines.list_amount, 0) <> 0 as has_amounts
    from lines
    semi join parts
        on
            lines._source = parts._source
            and lines.shop_id = parts.shop_id
            and lines.order_id = parts.order_id
            and lines.line_no = parts.bundle_line_no
),

-- The goods of a bundle are sold once: where its own line has amounts, its components' lines have none.
stated as (
    select
        lines.*,
        lines.line_kind <> 'component' and bundles.line_no is not null as is_bundle,
        coalesce(bundles.has_amounts = (lines.line_kind = 'component'), false) as is_sold_elsewhere,
        case when is_sold_elsewhere then 0 else coalesce(lines.paid_amount, 0) end as charged_amount,
        case when is_sold_elsewhere then 0 else coalesce(lines.list_amount, lines.paid_amount, 0) end as at_list_amount,
        coalesce(discounts.borne_by_platform_amount, 0) as borne_by_platform_amount,
        coalesce(discounts.borne_by_influencer_amount, 0) as borne_by_influencer_amount,
        coalesce(discounts.borne_by_distributor_amount, 0) as borne_by_distributor_amount,
        coalesce(discounts.borne_by_payment_amount, 0) as borne_by_payment_amount,
        coalesce(discounts.borne_by_others_amount, 0) as borne_by_others_amount,
        charged_amount + coalesce(discounts.borne_by_others_amount, 0) as sold_amount
    from lines
    left join bundles
        on
            lines._source = bundles._source
            and lines.shop_id = bundles.shop_id
            and lines.order_id = bundles.order_id
            and bundles.line_no = case when lines.line_kind = 'component' then lines.parent_line_no else lines.line_no end
    left join discounts
        on
            lines._source = discounts._source
            and lines.shop_id = discounts.shop_id
            and lines.order_id = discounts.order_id
            and lines.line_no = discounts.line_no
),

final as (
    select
        stated._source || ':' || stated.shop_id || ':' || stated.order_id || ':' || stated.line_no as sales_line_id,
        stated._source,
        stated.order_id as sale_id,
        stated.line_no,
        stated.line_kind,
        orders.channel_id,
        stated.shop_id,
        '-' as location_id,
        orders.region,
        stated.sku,
        orders.sold_at,
        orders.sold_on,
        orders.ordered_on,
        stated.units,
        {{ tax_of('stated.sold_amount', 'stated.tax_rate', 'stated.is_tax_inclusive') }} as tax_amount,
        stated.paid_amount as stated_amount,
        -- What others pay of the price is income like what the buyer pays.
        stated.sold_amount - case when stated.is_tax_inclusive then tax_amount else 0 end as net_amount,
        stated.at_list_amount + case when stated.is_tax_inclusive then 0 else tax_amount end as gross_amount,
        cast(0 as decimal(18, 4)) as refund_amount,
        stated.borne_by_platform_amount,
        stated.borne_by_influencer_amount,
        stated.borne_by_distributor_amount,
        stated.borne_by_payment_amount,
        stated.borne_by_others_amount,
        stated.currency,
        stated.promotion_id,
        orders.record_token,
        coalesce(orders.platform_order_id, orders.order_id) as platform_order_id,
        -- The mill makes what is in a bundle, not the bundle.
        not stated.is_bundle as is_demand,
        stated.is_sold_elsewhere,
        orders.is_suspect,
        orders.is_revenue,
        orders.is_paid,
        orders.not_counted_because
    from stated
    inner join orders
        on
            stated._source = orders._source
            and stated.shop_id = orders.shop_id
            and stated.order_id = orders.order_id
)

select * from final
