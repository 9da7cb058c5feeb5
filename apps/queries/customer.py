"""One customer: the profile, what they bought, what they consent to, and why their records are one person."""

from __future__ import annotations

from datetime import date

import polars as pl

from apps.queries.warehouse import Warehouse

_FOUND = """
select customer_id
from mart_customer_360
where starts_with(customer_id, $begins)
order by monetary_amount desc, customer_id
limit 50
"""

_PROFILE = "select * from mart_customer_360 where customer_id = $customer"

_ORDERS = """
select
    line.sold_on,
    line.channel_id,
    coalesce(min(line.location_id) filter (where line.location_id <> '-'), '') as location_id,
    line.sale_id,
    sum(line.units)::double as units,
    string_agg(distinct product.category, ', ' order by product.category) as categories,
    sum(line.net_sales_amount)::double as net
from fct_sales_line as line
inner join bridge_customer_identifier as bridge on line.record_token = bridge.record_token
left join dim_product as product on line.sku = product.sku and product.is_current
where bridge.customer_id = $customer and line.is_counted and line.sales_view = 'sell_out'
group by line.sold_on, line.channel_id, line._source, line.sale_id
order by line.sold_on desc, line.sale_id
"""

_WEEKS = """
select
    date_trunc('week', line.sold_on)::date as week_on,
    line.channel_id,
    sum(line.net_sales_amount)::double as net
from fct_sales_line as line
inner join bridge_customer_identifier as bridge on line.record_token = bridge.record_token
where
    bridge.customer_id = $customer and line.is_counted and line.sales_view = 'sell_out' and line.sold_on >= $start_on
group by all
order by week_on, line.channel_id
"""

_CONSENTS = """
select purpose, medium, is_granted, answered_at
from bridge_customer_consent
where customer_id = $customer
order by purpose, medium
"""

_REASONS = """
with record as (
    select record_token, kind, _source, seen_on
    from bridge_customer_identifier
    where customer_id = $customer
)
select
    link.rule,
    link.verdict,
    link.evidence,
    link.weight,
    least(left_one._source, right_one._source) || ' · ' || greatest(left_one._source, right_one._source) as sources,
    count(*) as links,
    max(greatest(left_one.seen_on, right_one.seen_on)) as last_on
from stg_customers__links as link
inner join record as left_one on link.left_record = left_one.record_token
inner join record as right_one on link.right_record = right_one.record_token
group by all
order by link.verdict desc, link.weight desc, links desc, link.evidence, sources
"""


def found(warehouse: Warehouse, begins: str) -> list[str]:
    """Up to 50 customer ids that begin so, the most valuable first."""
    return warehouse.rows(_FOUND, begins=begins)["customer_id"].to_list()


def profile(warehouse: Warehouse, customer: str) -> dict[str, object] | None:
    """The customer's row of mart_customer_360, None for nobody."""
    rows = warehouse.rows(_PROFILE, customer=customer)
    return None if rows.is_empty() else rows.row(0, named=True)


def orders(warehouse: Warehouse, customer: str) -> pl.DataFrame:
    """One row per order or refund day, newest first: sold_on, channel_id, location_id, units, categories, net."""
    return warehouse.rows(_ORDERS, customer=customer)


def weeks(warehouse: Warehouse, customer: str, start_on: date) -> pl.DataFrame:
    """Net sales by week and channel from `start_on`."""
    return warehouse.rows(_WEEKS, customer=customer, start_on=start_on)


def consents(warehouse: Warehouse, customer: str) -> pl.DataFrame:
    """One row per purpose and medium the customer answered for."""
    return warehouse.rows(_CONSENTS, customer=customer)


def reasons(warehouse: Warehouse, customer: str) -> pl.DataFrame:
    """Why the records are one person: one row per rule, evidence and pair of sources, with how many links."""
    return warehouse.rows(_REASONS, customer=customer)
