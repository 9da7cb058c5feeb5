"""Suspected fake orders one by one, with their signs and what people decided, out of `mart_suspect_order`."""

from __future__ import annotations

import polars as pl

from apps.queries.scope import Scope
from apps.queries.warehouse import Warehouse

_LISTED = """
select
    shop_id,
    order_id,
    channel_id,
    ordered_on,
    is_suspect,
    verdict,
    verdict_by,
    verdict_reason,
    is_burst,
    is_light or is_unmoved as is_empty,
    is_instant,
    is_flagged_by_shop,
    units::double as units,
    net_sales_amount::double as net_sales
from mart_suspect_order
where
    ordered_on >= $start_on and ordered_on < $end_on
    and channel_id = coalesce($channel, channel_id)
    and coalesce(region, '-') = coalesce($region, region, '-')
order by is_suspect desc, verdict is null, sign_count desc, ordered_on desc, shop_id, order_id
"""


def listed(warehouse: Warehouse, scope: Scope) -> pl.DataFrame:
    """One row per order of the span that a rule, its shop or people spoke of, suspects first; empty in a version that
    was published before verdicts had an author."""
    if not warehouse.has_column("mart_suspect_order", "verdict_by"):
        return pl.DataFrame()
    return warehouse.rows(_LISTED, **{name: value for name, value in scope.parameters.items() if name != "category"})
