"""Who buys: buyers by week, new and returning, segments, and the list of customers by their token id."""

from __future__ import annotations

from datetime import date

import polars as pl

from apps.queries.scope import COUNTED, Scope
from apps.queries.warehouse import Warehouse

_WEEKLY = f"""
with line as ({COUNTED})

select
    date_trunc('week', line.sold_on)::date as week_on,
    date_trunc('week', customer.first_order_on) = date_trunc('week', line.sold_on) as is_new,
    count(distinct customer.customer_id) filter (where line.line_kind not in ('refund', 'return')) as buyers,
    sum(line.net_sales_amount)::double as net
from line
inner join bridge_customer_identifier as bridge on line.record_token = bridge.record_token
inner join mart_customer_360 as customer on bridge.customer_id = customer.customer_id
where line.sold_on >= $start_on and line.sold_on < $end_on
group by all
order by week_on, is_new
"""  # noqa: S608  (a fixed text joined to a fixed text)

_BUYERS = f"""
with line as ({COUNTED}),

buyer as (
    select
        bridge.customer_id,
        line.sold_on >= $middle_on as is_now,
        count(distinct line.sold_on) filter (where line.line_kind not in ('refund', 'return')) as days,
        sum(line.net_sales_amount)::double as net
    from line
    inner join bridge_customer_identifier as bridge on line.record_token = bridge.record_token
    where line.sold_on >= $start_on and line.sold_on < $end_on
    group by bridge.customer_id, is_now
)

select
    buyer.is_now,
    count(*) filter (where buyer.days >= 1) as buyers,
    count(*) filter (where buyer.days >= 2) as repeat_buyers,
    count(*) filter (
        where buyer.days >= 1 and customer.first_order_on >= case when buyer.is_now then $middle_on else $start_on end
    ) as new_buyers,
    sum(buyer.net) as net
from buyer
inner join mart_customer_360 as customer on buyer.customer_id = customer.customer_id
group by buyer.is_now
"""  # noqa: S608

# Each week's window is as long as the span and ends with the week: the card's rate, week by week.
_REPURCHASE = f"""
with line as ({COUNTED}),

week as (
    select unnest(generate_series($start_on::date, $end_on::date - 7, interval 7 day))::date as week_on
),

bought as (
    select distinct bridge.customer_id, line.sold_on
    from line
    inner join bridge_customer_identifier as bridge on line.record_token = bridge.record_token
    where
        line.line_kind not in ('refund', 'return')
        and line.sold_on >= $start_on::date - $days::integer and line.sold_on < $end_on
),

buyer as (
    select week.week_on, bought.customer_id, count(*) >= 2 as is_repeat
    from week
    inner join bought
        on bought.sold_on < week.week_on + 7 and bought.sold_on >= week.week_on + 7 - $days::integer
    group by week.week_on, bought.customer_id
)

select week_on, avg(is_repeat::integer)::double as rate
from buyer
group by week_on
order by week_on
"""  # noqa: S608

_IN_SCOPE = """
select customer.*
from mart_customer_360 as customer
where customer.customer_id in (
    select bridge.customer_id
    from fct_sales_line as line
    inner join bridge_customer_identifier as bridge on line.record_token = bridge.record_token
    left join dim_product as product on line.sku = product.sku and product.is_current
    where
        line.is_counted and not line.is_suspect and line.line_kind not in ('refund', 'return')
        and line.channel_id = coalesce($channel, line.channel_id)
        and coalesce(line.region, '-') = coalesce($region, line.region, '-')
        and coalesce(product.category, '-') = coalesce($category, product.category, '-')
)
"""

_SEGMENTS = f"""
with customer as ({_IN_SCOPE})
select
    segment,
    count(*) as customers,
    sum(monetary_amount)::double as monetary,
    avg(recency_days)::double as recency_days,
    avg(frequency)::double as frequency
from customer
group by segment
order by monetary desc, segment
"""  # noqa: S608  (a fixed text joined to a fixed text)

_ACTIVE = f"""
with customer as ({_IN_SCOPE})
select count(*) filter (where is_active_member) as members
from customer
"""  # noqa: S608

_LISTED = f"""
with customer as ({_IN_SCOPE})
select
    customer_id,
    segment,
    monetary_amount::double as monetary,
    frequency::bigint as frequency,
    recency_days::bigint as recency_days,
    first_order_on,
    last_order_on,
    favourite_channel_id,
    favourite_category,
    is_member
from customer
where segment = coalesce($segment, segment)
order by monetary desc, customer_id
"""  # noqa: S608


def weekly(warehouse: Warehouse, scope: Scope) -> pl.DataFrame:
    """One row per week and is_new (the customer's first week): distinct buyers and their net sales."""
    return warehouse.rows(_WEEKLY, **scope.parameters)


def buyers(warehouse: Warehouse, scope: Scope) -> pl.DataFrame:
    """One row for the span (is_now), one for the equal span before: buyers, repeat_buyers (2 days), new_buyers, net."""
    parameters: dict[str, str | date | None] = {
        **scope.parameters,
        "start_on": scope.before().start_on,
        "middle_on": scope.start_on,
    }
    return warehouse.rows(_BUYERS, **parameters)


def repurchase(warehouse: Warehouse, scope: Scope) -> pl.DataFrame:
    """One row per week of the span: the repurchase rate of the window of the span's length that ends with it."""
    days = (scope.end_on - scope.start_on).days
    return warehouse.rows(_REPURCHASE, **scope.parameters, days=days)


def segments(warehouse: Warehouse, scope: Scope) -> pl.DataFrame:
    """One row per segment of all who ever bought in scope: customers, monetary, mean recency_days and frequency."""
    return warehouse.rows(_SEGMENTS, channel=scope.channel, region=scope.region, category=scope.category)


def active_members(warehouse: Warehouse, scope: Scope) -> int | None:
    """The active members who ever bought in scope; None in a version that was published before they were counted."""
    if not warehouse.has_column("mart_customer_360", "is_active_member"):
        return None
    found = warehouse.rows(_ACTIVE, channel=scope.channel, region=scope.region, category=scope.category)
    return int(found.item())


def listed(warehouse: Warehouse, scope: Scope, segment: str | None) -> pl.DataFrame:
    """One row per customer who ever bought in scope, the most valuable first; ids are tokens, never names."""
    return warehouse.rows(_LISTED, channel=scope.channel, region=scope.region, category=scope.category, segment=segment)
