"""What comes back of what was sold, by product, out of `fct_sales_line`: goods, and the money for them."""

from __future__ import annotations

import polars as pl

from apps.queries.scope import COUNTED, Scope
from apps.queries.warehouse import Warehouse

_BY_PRODUCT = f"""
with line as ({COUNTED}),

moved as (
    select
        *,
        line_kind in ('refund', 'return') as is_back
    from line
    where sold_on >= $start_on and sold_on < $end_on
)

select
    moved.sku,
    any_value(product.name) as name,
    coalesce(sum(moved.units) filter (where not is_back and line_kind <> 'component'), 0)::double as units,
    coalesce(-sum(moved.units) filter (where is_back), 0)::double as returned_units,
    coalesce(sum(moved.net_sales_with_tax_amount) filter (where not is_back), 0)::double as sales,
    coalesce(-sum(moved.net_sales_with_tax_amount) filter (where is_back), 0)::double as returned_sales
from moved
left join dim_product as product on moved.sku = product.sku and product.is_current
group by moved.sku
order by returned_sales desc, returned_units desc, moved.sku
"""  # noqa: S608  (a fixed text joined to a fixed text)


def by_product(warehouse: Warehouse, scope: Scope) -> pl.DataFrame:
    """One row per sku sold or returned: name, units, returned_units, sales, returned_sales; most back first.

    `units` and `sales` (with tax, in the workspace's currency) are before returns; each counts on its own day.
    """
    return warehouse.rows(_BY_PRODUCT, **scope.parameters)
