"""The state of every stream: fresh or late, pulled = landed + quarantined, equal to its source's own totals or not."""

from __future__ import annotations

import polars as pl

from apps.queries.warehouse import Warehouse

_STREAMS = """
select
    _source as source,
    stream,
    loads::bigint as loads,
    pulled_rows::bigint as pulled_rows,
    landed_rows::bigint as landed_rows,
    quarantined_rows::bigint as quarantined_rows,
    is_accounted,
    current_rows::bigint as current_rows,
    watermark_at,
    lag_hours::double as lag_hours,
    is_fresh,
    control_amount_diff::double as control_amount_diff,
    control_rows_diff::bigint as control_rows_diff,
    is_equal_to_control,
    extra_fields,
    verdict
from mart_data_health
where _source = coalesce($source, _source)
order by
    coalesce(is_fresh, true), coalesce(is_equal_to_control, true), is_accounted,
    source, stream
"""


def streams(warehouse: Warehouse, *, source: str | None) -> pl.DataFrame:
    """One row per source and stream; what needs attention first. Times are UTC, lag in hours."""
    return warehouse.rows(_STREAMS, source=source)
