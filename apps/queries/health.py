"""The state of every stream: fresh or late, in quarantine or not, its loads and fields, equal to its source or not."""

from __future__ import annotations

import polars as pl

from apps.queries.warehouse import Warehouse

_STREAMS = """
select
    * exclude (_source, control_units_diff),
    _source as source,
    split_part(stream, '.', 1) as system,
    control_units_diff::double as control_units_diff
from mart_data_health
where (_source <> '-') = $connected
order by system, stream, source
"""
_LOADS = """
select kind, pulled_rows, landed_rows, quarantined_rows, loaded_at, watermark_at, _load_id as load_id
from mart_load
where _source = $source and stream = $stream
order by place
"""
_REASONS = """
select field, reason, reason_rows, first_seen_at, last_seen_at, example
from mart_quarantine
where _source = $source and stream = $stream
order by reason_rows desc, reason
"""
_FIELDS = """
select field, change, mapped_column, old_kind, new_kind, since_at
from mart_field_change
where _source = $source and stream = $stream
order by case change when 'lost' then 1 when 'retyped' then 2 when 'new' then 3 else 4 end, field
"""


def streams(warehouse: Warehouse) -> pl.DataFrame:
    """One row per source and stream that is bound or was ever loaded, by system. Times are UTC, lag in hours."""
    return warehouse.rows(_STREAMS, connected=True)


def not_connected(warehouse: Warehouse) -> pl.DataFrame:
    """The streams of the model that no source brings: stream, system."""
    return warehouse.rows(_STREAMS, connected=False).select("stream", "system")


def loads(warehouse: Warehouse, source: str, stream: str) -> pl.DataFrame:
    """The stream's latest loads, the last one first."""
    return warehouse.rows(_LOADS, source=source, stream=stream)


def reasons(warehouse: Warehouse, source: str, stream: str) -> pl.DataFrame:
    """Why rows of the stream are in quarantine now, most rows first, each reason with a place where it stands."""
    return warehouse.rows(_REASONS, source=source, stream=stream)


def fields(warehouse: Warehouse, source: str, stream: str) -> pl.DataFrame:
    """The fields that the stream's mapping and its source do not share, or whose type changed, the worst first."""
    return warehouse.rows(_FIELDS, source=source, stream=stream)
