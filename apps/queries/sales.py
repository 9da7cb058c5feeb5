"""Sales over time, by product and by place, out of `fct_sales_line`; suspected fake orders and sell-in stay out."""

from __future__ import annotations

from datetime import date

import polars as pl

from apps.queries.scope import COUNTED, Scope
from apps.queries.warehouse import Warehouse

# The newest week is whole when it has come to the weekday on which the eight weeks before it usually ended.
_BOUNDS = """
with days as (
    select distinct sold_on
    from fct_sales_line
    where sales_view = 'sell_out' and is_revenue and is_counted and not is_suspect
),

weeks as (
    select
        date_trunc('week', sold_on)::date as week_on,
        max(isodow(sold_on)) as last_day,
        row_number() over (order by date_trunc('week', sold_on) desc) as age
    from days
    group by date_trunc('week', sold_on)
)

select
    (select min(sold_on) from days) as first_on,
    (select max(sold_on) from days) as last_on,
    max(week_on) filter (where age = 1) + case
        when max(last_day) filter (where age = 1) >= coalesce(median(last_day) filter (where age between 2 and 9), 0)
            then 7
        else 0
    end as whole_until
from weeks
"""

_CHOICES = """
select 'channel' as name, channel_id as code, sum(net_sales_amount)::double as weight
from mart_channel_daily
group by all
union all
select 'region', region, sum(net_sales_amount)::double
from mart_channel_daily
where region is not null and region <> '-'
group by all
union all
select 'product', category, sum(net_sales_amount)::double
from mart_channel_daily
where category is not null
group by all
order by name, weight desc, code
"""

_WEEKLY = f"""
with line as ({COUNTED})

select
    date_trunc('week', line.sold_on)::date as week_on,
    line.channel_id,
    sum(line.gross_sales_amount)::double as gross,
    sum(line.discount_amount)::double as discount,
    sum(line.refund_amount)::double as refund,
    sum(line.tax_amount)::double as tax,
    sum(line.net_sales_amount)::double as net,
    sum(line.cost_amount)::double as cost,
    coalesce(sum(line.net_sales_amount) filter (where line.cost_amount is not null), 0)::double as costed,
    sum(line.units)::double as units,
    count(distinct line._source || ':' || line.sale_id) filter (
        where line.line_kind not in ('refund', 'return')
    ) as orders
from line
where line.sold_on >= $start_on and line.sold_on < $end_on
group by all
order by week_on, channel_id
"""  # noqa: S608  (a fixed text joined to a fixed text)

_BY_PRODUCT = """
select
    daily.sku,
    any_value(product.name) as name,
    any_value(daily.category) as category,
    coalesce(sum(daily.net_sales_amount) filter (where daily.sold_on >= $middle_on), 0)::double as net,
    coalesce(sum(daily.net_sales_amount) filter (where daily.sold_on < $middle_on), 0)::double as net_before,
    coalesce(sum(daily.units) filter (where daily.sold_on >= $middle_on), 0)::double as units
from mart_channel_daily as daily
left join dim_product as product on daily.sku = product.sku and product.is_current
where
    daily.sku <> '-' and daily.sold_on >= $start_on and daily.sold_on < $end_on
    and daily.channel_id = coalesce($channel, daily.channel_id)
    and coalesce(daily.region, '-') = coalesce($region, daily.region, '-')
    and coalesce(daily.category, '-') = coalesce($category, daily.category, '-')
group by daily.sku
order by abs(net - net_before) desc, daily.sku
"""

_BY_PLACE = f"""
with line as ({COUNTED})

select
    line.channel_id,
    case when count(distinct coalesce(line.region, '-')) = 1 then any_value(line.region) end as region,
    line.location_id,
    any_value(location.name) as name,
    coalesce(sum(line.net_sales_amount) filter (where line.sold_on >= $middle_on), 0)::double as net,
    coalesce(sum(line.net_sales_amount) filter (where line.sold_on < $middle_on), 0)::double as net_before,
    coalesce(sum(line.gross_sales_amount) filter (where line.sold_on >= $middle_on), 0)::double as gross,
    coalesce(sum(line.discount_amount) filter (where line.sold_on >= $middle_on), 0)::double as discount,
    coalesce(sum(line.cost_amount) filter (where line.sold_on >= $middle_on), 0)::double as cost,
    coalesce(
        sum(line.net_sales_amount) filter (where line.cost_amount is not null and line.sold_on >= $middle_on), 0
    )::double as costed,
    count(distinct line._source || ':' || line.sale_id) filter (
        where line.line_kind not in ('refund', 'return') and line.sold_on >= $middle_on
    ) as orders,
    coalesce(
        sum(line.net_sales_with_tax_amount) filter (
            where line.line_kind not in ('refund', 'return') and line.sold_on >= $middle_on
        ), 0
    )::double as sold,
    coalesce(
        -sum(line.net_sales_with_tax_amount) filter (
            where line.line_kind in ('refund', 'return') and line.sold_on >= $middle_on
        ), 0
    )::double as returned
from line
left join dim_location as location on line.location_id = location.location_id
where line.sold_on >= $start_on and line.sold_on < $end_on
group by line.channel_id, line.location_id
order by net desc, line.channel_id, line.location_id
"""  # noqa: S608

# Of cancelled orders too, once they were paid: so out of the days, which have them, and not out of counted lines.
_GMV = """
select channel_id, location_id, sum(gmv_amount)::double as gmv
from mart_channel_daily
where
    sold_on >= $start_on and sold_on < $end_on
    and channel_id = coalesce($channel, channel_id)
    and coalesce(region, '-') = coalesce($region, region, '-')
    and coalesce(category, '-') = coalesce($category, category, '-')
group by channel_id, location_id
"""

_ONLINE = "select channel_id from channels where kind <> 'store'"
_CHANNEL_NAMES = "select channel_id, name, name_zh from channels"
_REGION_NAMES = "select region, name, name_zh from regions"


def bounds(warehouse: Warehouse) -> pl.DataFrame:
    """One row: first_on and last_on, the dates of the first and last sale, and whole_until; all null without sales.

    whole_until is the Monday that ends the last week known as a whole.
    """
    return warehouse.rows(_BOUNDS)


def choices(warehouse: Warehouse) -> pl.DataFrame:
    """The values a filter may take: name (channel, region, product), code, weight (net sales); largest first."""
    return warehouse.rows(_CHOICES)


def weekly(warehouse: Warehouse, scope: Scope) -> pl.DataFrame:
    """One row per week and channel: gross, discount, refund, tax, net, cost, costed, units, orders.

    Amounts are in the workspace's currency; `costed` is the net sales of what has a known cost.
    """
    return warehouse.rows(_WEEKLY, **scope.parameters)


def by_product(warehouse: Warehouse, scope: Scope) -> pl.DataFrame:
    """One row per sku: name, category, net, net_before (the equal span before), units; largest change first."""
    return moved(warehouse.rows(_BY_PRODUCT, **_with_before(scope)))


def by_place(warehouse: Warehouse, scope: Scope) -> pl.DataFrame:
    """One row per channel and location: net, net_before, gross, discount, cost, costed, orders, sold, returned.

    The largest first; `sold` (before returns) and `returned` are with tax. The region is null where a place, a web shop
    say, sells into several.
    """
    return moved(warehouse.rows(_BY_PLACE, **_with_before(scope)))


def gmv(warehouse: Warehouse, scope: Scope) -> pl.DataFrame:
    """One row per channel and location: gmv, in the workspace's currency; none before a version that counts it."""
    if not warehouse.has_column("mart_channel_daily", "gmv_amount"):
        return pl.DataFrame(schema={"channel_id": pl.String, "location_id": pl.String, "gmv": pl.Float64})
    return warehouse.rows(_GMV, **scope.parameters)


def online(warehouse: Warehouse) -> list[str] | None:
    """The channels that their owner does not call stores; None without a table of channels."""
    if not warehouse.has("channels"):
        return None
    return warehouse.rows(_ONLINE)["channel_id"].to_list()


def names(warehouse: Warehouse, language: str) -> dict[tuple[str, str], str]:
    """The owner's names of channels and regions in the reader's language, by (channel or region, code)."""
    found: dict[tuple[str, str], str] = {}
    for group, table, sql in (("channel", "channels", _CHANNEL_NAMES), ("region", "regions", _REGION_NAMES)):
        if warehouse.has(table):
            for code, name, name_zh in warehouse.rows(sql).iter_rows():
                found[group, code] = (name_zh if language == "zh" else name) or name or ""
    return found


def moved(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with `moved` (net less net_before) and `rate` (moved over net_before, null without a before)."""
    change = pl.col("net") - pl.col("net_before")
    rate = pl.when(pl.col("net_before") > 0).then(change / pl.col("net_before"))
    return rows.with_columns(change.alias("moved"), rate.alias("rate"))


def _with_before(scope: Scope) -> dict[str, str | date | None]:
    return {**scope.parameters, "start_on": scope.before().start_on, "middle_on": scope.start_on}
