"""Records that come one by one, as a frame of text."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from ingestion.connectors.page import FAULT, LINE, RAW


def frame_of(rows: Sequence[dict[str, str | None]], lines: Sequence[int]) -> pl.DataFrame:
    """The records as text columns in the order in which names are first seen, and LINE; none, where there is none."""
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: pl.Series([row.get(name) for row in rows], dtype=pl.String) for name in names}
    return pl.DataFrame(columns | {LINE: pl.Series(list(lines), dtype=pl.Int64)})


def unreadable(reason: str, raw: str) -> dict[str, str | None]:
    """A record that cannot be read: why, and how it stood."""
    return {FAULT: reason, RAW: raw}
