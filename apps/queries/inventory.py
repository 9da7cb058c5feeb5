"""What stands in the channel, and what counts found: distributors' stock by week, adjustments."""

from __future__ import annotations

import polars as pl

from apps.queries.warehouse import Warehouse

# Versions published before sold places were in it hold distributors alone.
_REPORTED = "with reported as (select * from mart_channel_stock where holder_kind = 'distributor')"
_NO_HOLDERS = "with reported as (select * from mart_channel_stock)"

_CHANNEL_STOCK = """
select
    stock.distributor_id,
    stock.sku,
    product.name,
    product.category,
    stock.week_on,
    stock.sell_in_4w_units::double as sell_in_units,
    stock.sell_through_4w_units::double as sell_through_units,
    stock.closing_units::double as closing_units,
    stock.weeks_of_cover,
    stock.oldest_days,
    stock.late_units::double as late_units,
    stock.is_stuffed
from reported as stock
left join dim_product as product on stock.sku = product.sku and product.is_current
where
    stock.week_on = (select max(week_on) from reported where sell_in_units > 0 or sell_through_units > 0)
    and (stock.closing_units > 0 or stock.sell_in_4w_units > 0 or stock.sell_through_4w_units > 0)
    and coalesce(product.category, '-') = coalesce($category, product.category, '-')
order by stock.is_stuffed desc, stock.closing_units desc, sell_in_units desc, stock.distributor_id, stock.sku
"""

_ADJUSTMENTS = """
select
    found.stock_on,
    found.location_id,
    location.name as location_name,
    found.sku,
    product.name,
    product.category,
    found.lot_id,
    found.adjustment_units::double as adjustment_units,
    found.unexplained_units::double as unexplained_units,
    found.value_amount::double as value_amount,
    found.cause
from mart_stock_adjustment as found
left join dim_location as location on found.location_id = location.location_id
left join dim_product as product on found.sku = product.sku and product.is_current
order by found.cause <> 'counted' desc, found.stock_on desc, abs(found.value_amount) desc, found.location_id, found.sku
"""


def channel_stock(warehouse: Warehouse, *, category: str | None) -> pl.DataFrame:
    """One row per distributor and sku in the last week with trade: sell-in, sell-through (4 weeks), stock.

    What is stuffed comes first, then the largest stock.
    """
    reported = _REPORTED if warehouse.has_column("mart_channel_stock", "holder_kind") else _NO_HOLDERS
    return warehouse.rows(f"{reported} {_CHANNEL_STOCK}", category=category)


def adjustments(warehouse: Warehouse) -> pl.DataFrame:
    """One row per count that disagreed with the books: units, units nobody booked, worth, cause; unbooked first."""
    return warehouse.rows(_ADJUSTMENTS)
