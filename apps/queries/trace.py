"""Lots followed both ways: from a component's lot to orders and stores, from an order back to its components' lots."""

from __future__ import annotations

import polars as pl

from apps.queries.warehouse import Warehouse

# What the page shows before anybody asks: of the lots that were made of others and left on the last day, the one that
# reached most.
_EXAMPLE = """
with made as (
    select distinct into_sku, into_lot_id from mart_lot_trace where depth > 0
)

select destination.lot_id
from mart_lot_destination as destination
inner join made on destination.sku = made.into_sku and destination.lot_id = made.into_lot_id
where destination.ends_with <> 'sent on'
group by destination.lot_id
order by max(destination.last_at) desc nulls last, count(*) desc, destination.lot_id
limit 1
"""

_KNOWN = """
select 'lot' as kind, sku from mart_lot_trace where lot_id = $asked and depth = 0
union all
select distinct kind, '-' as sku from mart_lot_destination where reached_id = $asked
order by kind, sku
"""

_FORWARD = """
select
    destination.kind,
    destination.reached_id,
    coalesce(destination.shop_id, location.name) as place_name,
    trace.into_sku as sku,
    product.name,
    trace.into_lot_id as lot_id,
    trace.depth,
    (case when destination.ends_with = 'in stock' then on_hand_units else destination.units end)::double as units,
    destination.first_at,
    destination.ends_with
from mart_lot_trace as trace
inner join mart_lot_destination as destination
    on trace.into_sku = destination.sku and trace.into_lot_id = destination.lot_id
left join dim_product as product on trace.into_sku = product.sku and product.is_current
left join dim_location as location on destination.kind = 'location' and destination.reached_id = location.location_id
where trace.lot_id = $asked and destination.ends_with <> 'sent on'
order by
    destination.kind desc, destination.first_at desc nulls last,
    destination.reached_id, trace.into_lot_id, trace.into_sku
"""

_BACKWARD = """
select
    trace.sku,
    product.name,
    trace.lot_id,
    trace.depth,
    trace.into_sku,
    trace.into_lot_id,
    trace.units::double as units
from mart_lot_trace as trace
left join dim_product as product on trace.sku = product.sku and product.is_current
left join mart_lot_destination as destination
    on trace.into_sku = destination.sku and trace.into_lot_id = destination.lot_id and destination.reached_id = $asked
where (destination.reached_id is not null) or (trace.into_lot_id = $asked and trace.depth > 0)
order by trace.depth, trace.sku, trace.lot_id, trace.into_sku, trace.into_lot_id
"""

_MADE_OF = """
select count(distinct (into_sku, into_lot_id)) as lots
from mart_lot_trace
where lot_id = $asked and depth > 0
"""


def example(warehouse: Warehouse) -> str | None:
    """A lot worth looking at: the one that left last, or None."""
    found = warehouse.rows(_EXAMPLE)
    return None if found.is_empty() else str(found.item())


def known(warehouse: Warehouse, asked: str) -> pl.DataFrame:
    """What the asked id is: kind (lot, order, location) and sku of each lot of that id; empty where nobody knows it."""
    return warehouse.rows(_KNOWN, asked=asked)


def forward(warehouse: Warehouse, asked: str) -> pl.DataFrame:
    """One row per order or place that goods of the asked lot ended with, and lot that brought them there."""
    return warehouse.rows(_FORWARD, asked=asked)


def backward(warehouse: Warehouse, asked: str) -> pl.DataFrame:
    """One row per lot that the asked lot was made of, or that the asked order or place got, with those it came of."""
    return warehouse.rows(_BACKWARD, asked=asked)


def lots_made(warehouse: Warehouse, asked: str) -> int:
    """How many lots the asked lot went into."""
    return int(warehouse.rows(_MADE_OF, asked=asked).item())
