-- One row per line that passes between the brand and the trade, in the shape of fct_sales_line but before conversion: into
-- the trade (sell_in) as invoiced, or as distributors say they bought where the brand has no invoices; and from a
-- distributor to its outlets (sell_through). None of them is a sale to a shopper.
with

invoices as (
    select * from {{ ref('stg_erp__invoices') }}
),

movements as (
    select * from {{ ref('stg_distributor__movements') }}
),

partners as (
    select * from {{ ref('stg_distributor__partners') }}
    qualify row_number() over (partition by distributor_id order by observed_at desc, _source asc) = 1
),

workspace as (
    select * from {{ ref('int_workspace') }}
),

invoiced as (
    select
        'sell_in' as sales_view,
        _source || ':invoice:' || invoice_id || ':' || line_no as sales_line_id,
        _source,
        invoice_id as sale_id,
        line_no,
        case when kind = 'red' then 'return' else 'sale' end as line_kind,
        '-' as trade_account_id,
        '-' as region,
        sku,
        cast(issued_on as {{ instant() }}) as sold_at,
        issued_on as sold_on,
        case when kind = 'red' then -abs(units) else units end as units,
        coalesce(tax_amount, 0) as tax_amount,
        net_amount,
        net_amount + coalesce(tax_amount, 0) as gross_amount,
        currency
    from invoices
    where issued_on is not null
),

-- What came back and what was written off at the distributor lowers what it was sold, or nothing.
booked as (
    select
        case when movements.kind = 'sale' then 'sell_through' else 'sell_in' end as sales_view,
        movements._source || ':movement:' || movements.entry_id as sales_line_id,
        movements._source,
        movements.entry_id as sale_id,
        1 as line_no,
        case when movements.kind = 'return' then 'return' else 'sale' end as line_kind,
        movements.distributor_id as trade_account_id,
        coalesce(partners.territory, '-') as region,
        movements.sku,
        movements.at as sold_at,
        {{ business_date('movements.at', 'workspace.timezone', 'workspace.day_starts_minutes') }} as sold_on,
        case when movements.kind = 'return' then -abs(movements.units) else movements.units end as units,
        -- Distributors report goods, not prices.
        cast(null as decimal(18, 4)) as tax_amount,
        cast(null as decimal(18, 4)) as net_amount,
        cast(null as decimal(18, 4)) as gross_amount,
        workspace.currency
    from movements
    left join partners on movements.distributor_id = partners.distributor_id
    cross join workspace
    where movements.kind = 'sale' or (movements.kind in ('purchase', 'return') and not exists (select 1 from invoices))
),

passed as (
    select * from invoiced
    union all
    select * from booked
),

final as (
    select
        *,
        '-' as channel_id,
        '-' as shop_id,
        '-' as location_id,
        sold_on as ordered_on,
        cast(0 as decimal(18, 4)) as refund_amount,
        cast(0 as decimal(18, 4)) as borne_by_others_amount,
        net_amount as stated_amount,
        cast(null as string) as promotion_id,
        cast(null as string) as record_token,
        cast(null as string) as platform_order_id,
        false as is_demand,
        false as is_sold_elsewhere,
        false as is_suspect,
        true as is_revenue,
        'to the trade' as not_counted_because
    from passed
)

select * from final
