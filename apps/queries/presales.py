"""What became of deposits, by promotion and shop, out of `mart_presale`."""

from __future__ import annotations

import polars as pl

from apps.queries.warehouse import Warehouse

_RUNS = """
select
    promotion_id,
    channel_id,
    shop_id,
    min(deposit_on) as starts_on,
    max(deposit_on) as ends_on,
    sum(deposit_orders)::bigint as deposit_orders,
    sum(balance_paid_orders)::bigint as balance_paid_orders,
    sum(open_orders)::bigint as open_orders,
    sum(lapsed_orders)::bigint as lapsed_orders,
    sum(deposit_amount)::double as deposits,
    sum(balance_paid_amount)::double as balances,
    sum(open_balance_amount)::double as open_balances,
    sum(forfeited_deposit_amount)::double as forfeited_deposits
from mart_presale
group by promotion_id, channel_id, shop_id
order by starts_on desc, deposit_orders desc, promotion_id, shop_id
"""


def runs(warehouse: Warehouse) -> pl.DataFrame:
    """One row per promotion and shop: first and last day of deposits, orders and amounts by what became of them."""
    if not warehouse.has("mart_presale"):
        return pl.DataFrame()
    return warehouse.rows(_RUNS)
