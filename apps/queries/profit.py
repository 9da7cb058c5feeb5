"""Channel profit from list price to contribution margin, out of `mart_channel_daily`; suspected fakes beside it."""

from __future__ import annotations

import polars as pl

from apps.queries.scope import Scope
from apps.queries.warehouse import Warehouse

# A margin needs every cost; where one is unknown the sum would say too much.
_STEPS = """
select
    coalesce(sum(gross_sales_amount), 0)::double as gross_sales,
    coalesce(sum(discount_amount), 0)::double as discount,
    coalesce(sum(refund_amount), 0)::double as refunds,
    coalesce(sum(tax_amount), 0)::double as tax,
    coalesce(sum(net_sales_amount), 0)::double as net_sales,
    coalesce(sum(cost_amount), 0)::double as cost,
    coalesce(sum(contribution_margin_1_amount), 0)::double as cm1,
    coalesce(sum(fulfilment_amount), 0)::double as fulfilment,
    coalesce(sum(platform_fee_amount), 0)::double as platform_fee,
    coalesce(sum(contribution_margin_2_amount), 0)::double as cm2,
    coalesce(sum(ads_amount), 0)::double as ads,
    coalesce(sum(influencer_amount), 0)::double as influencer,
    coalesce(sum(trade_spend_amount), 0)::double as trade_spend,
    coalesce(sum(write_off_amount), 0)::double as write_off,
    coalesce(sum(contribution_margin_3_amount), 0)::double as cm3,
    coalesce(sum(estimated_amount), 0)::double as estimated,
    coalesce(sum(settled_sales_amount), 0)::double as settled_sales,
    coalesce(sum(net_sales_amount + refund_amount) filter (where shop_id <> '-'), 0)::double as web_sales,
    count(*) filter (where cost_amount is null) as without_cost
from mart_channel_daily
where
    sold_on >= $start_on and sold_on < $end_on
    and channel_id = coalesce($channel, channel_id)
    and coalesce(region, '-') = coalesce($region, region, '-')
    and coalesce(category, '-') = coalesce($category, category, '-')
"""

_SUSPECTS = """
select count(*) as orders, coalesce(sum(net_sales_amount), 0)::double as net_sales
from mart_suspect_order
where
    is_suspect
    and ordered_on >= $start_on and ordered_on < $end_on
    and channel_id = coalesce($channel, channel_id)
    and coalesce(region, '-') = coalesce($region, region, '-')
"""


def is_known(warehouse: Warehouse) -> bool:
    """Whether the published version has the margins; one published before they were built has not."""
    return warehouse.has_column("mart_channel_daily", "contribution_margin_3_amount")


def steps(warehouse: Warehouse, scope: Scope) -> dict[str, float]:
    """The span's sums in the workspace's currency, one per step from gross_sales to cm3; estimated, settled_sales and
    web_sales beside them, and without_cost, the rows whose cost of goods is unknown."""
    return warehouse.rows(_STEPS, **scope.parameters).row(0, named=True)


def suspects(warehouse: Warehouse, scope: Scope) -> tuple[int, float]:
    """The suspected fake orders placed in the span and what they would have sold, of all products."""
    if not warehouse.has("mart_suspect_order"):
        return 0, 0.0
    parameters = {name: value for name, value in scope.parameters.items() if name != "category"}
    found: pl.DataFrame = warehouse.rows(_SUSPECTS, **parameters)
    orders, net_sales = found.row(0)
    return int(orders), float(net_sales)
