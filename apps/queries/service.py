"""Did customers get what they ordered (`mart_order_service`), and what does each channel still take of the stock?"""

from __future__ import annotations

import polars as pl

from apps.queries import supply
from apps.queries.scope import Scope
from apps.queries.warehouse import Warehouse

# Trade orders come through no channel of ours, so that they are in the picture of all channels alone.
_ACCOUNTS = """
with

lines as (
    select service.*
    from mart_order_service as service
    left join dim_product as product on service.sku = product.sku and product.is_current
    where
        service.is_due
        and service.requested_on >= $start_on and service.requested_on < $end_on
        and service.channel_id = coalesce($channel, service.channel_id)
        and coalesce(product.category, '-') = coalesce($category, product.category, '-')
),

reasons as (
    select
        order_kind,
        account_id,
        reason,
        row_number() over (partition by order_kind, account_id order by count(*) desc, reason) as place
    from lines
    where reason not in ('on_time_in_full', 'open', 'receipt_unknown')
    group by order_kind, account_id, reason
)

select
    lines.order_kind,
    lines.account_id,
    count(*) as lines,
    sum(lines.ordered_units)::double as ordered_units,
    coalesce(sum(lines.filled_units) filter (where lines.fill_rate is not null), 0)::double as filled_units,
    coalesce(sum(lines.ordered_units) filter (where lines.fill_rate is not null), 0)::double as judged_units,
    sum(lines.short_units)::double as short_units,
    count(*) filter (where lines.is_on_time_in_full) as good_lines,
    count(lines.is_on_time_in_full) as told_lines,
    any_value(reasons.reason) as reason
from lines
left join reasons
    on lines.order_kind = reasons.order_kind and lines.account_id = reasons.account_id and reasons.place = 1
group by lines.order_kind, lines.account_id
order by lines.order_kind, lines, lines.account_id
"""

_LIFE = """
select
    life.location_id,
    location.name as location_name,
    location.kind as location_kind,
    life.sku,
    product.name,
    product.category,
    life.channel_id,
    life.least_days,
    life.on_hand_units::double as on_hand_units,
    life.accepted_units::double as accepted_units,
    life.refused_units::double as refused_units,
    life.life_left_days
from mart_stock_life as life
left join places as location on life.location_id = location.location_id
left join dim_product as product on life.sku = product.sku and product.is_current
where
    coalesce(location.is_ours, true) = $is_ours
    and life.location_id = coalesce($location, life.location_id)
    and coalesce(product.category, '-') = coalesce($category, product.category, '-')
order by life.refused_units desc, life.life_left_days nulls last, life.location_id, life.sku, life.channel_id
"""


def accounts(warehouse: Warehouse, scope: Scope) -> pl.DataFrame:
    """One row per shop and trade account with lines due in the span: lines, ordered, filled, judged and short units,
    good_lines of told_lines (on time in full, of those whose receipt is known), and the commonest reason why not."""
    if scope.region is not None or not warehouse.has("mart_order_service"):
        return pl.DataFrame()
    parameters = {name: value for name, value in scope.parameters.items() if name != "region"}
    return warehouse.rows(_ACCOUNTS, **parameters)


def life(warehouse: Warehouse, *, is_ours: bool, location: str | None, category: str | None) -> pl.DataFrame:
    """One row per place, SKU and channel: units on hand, those that the channel takes and refuses, days to the next."""
    if not warehouse.has("mart_stock_life"):
        return pl.DataFrame()
    return warehouse.rows(supply.placed(warehouse, _LIFE), is_ours=is_ours, location=location, category=category)
