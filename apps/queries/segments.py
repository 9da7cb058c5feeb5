"""Segments as they were counted: how each held over published versions, and what came of each list."""

from __future__ import annotations

import polars as pl

from apps.queries.warehouse import Warehouse

_TREND = """
select as_of, version, customers::bigint as customers
from mart_segment
where segment_id = $segment
qualify row_number() over (partition by as_of order by version desc) = 1
order by as_of
"""

_EXPORTS = """
select
    export_id, segment_id, purpose, medium, exported_at, is_complete,
    exported_customers::bigint as exported,
    held_out_customers::bigint as held_out,
    exported_buyers::double / nullif(exported_customers, 0) as exported_rate,
    held_out_buyers::double / nullif(held_out_customers, 0) as held_out_rate
from mart_activation
where segment_id = $segment
order by exported_at desc, export_id
"""


def trend(warehouse: Warehouse, segment_id: str) -> pl.DataFrame:
    """One row per business date that a version was published for: as_of, version of the rule, customers."""
    return warehouse.rows(_TREND, segment=segment_id)


def exports(warehouse: Warehouse, segment_id: str) -> pl.DataFrame:
    """One row per list of the segment: how many it named and held out, and the share of each that bought in 4 weeks."""
    return warehouse.rows(_EXPORTS, segment=segment_id)
