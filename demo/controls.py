"""What each source says its own rows add up to, by business date; restated when a later extract adds to the date."""

from __future__ import annotations

import polars as pl

from demo import days

MONEY = pl.Decimal(18, 2)


def totals(
    stream: str, rows: pl.DataFrame, period: pl.Expr, units: str | None = None, amount: str | None = None
) -> pl.DataFrame:
    """One row per business date and extract that added to it: stream_name, period_on, row_count, unit_total,
    amount_total (both null where the stream has none), known_at.

    `rows` has `known_at`; a row that is only a newer version of one counted before must be left out by the caller.
    """
    added = (
        rows.select(
            period_on=period,
            extract=days.extract_number(pl.col("known_at")),
            unit_total=pl.col(units).cast(pl.Decimal(18, 3)) if units else pl.lit(None, pl.Decimal(18, 3)),
            amount_total=pl.col(amount).cast(MONEY) if amount else pl.lit(None, MONEY),
        )
        .group_by("period_on", "extract")
        .agg(pl.len().cast(pl.Int64).alias("row_count"), pl.col("unit_total", "amount_total").sum())
        .sort("period_on", "extract")
    )
    return (
        added.select(
            stream_name=pl.lit(stream),
            period_on="period_on",
            row_count=pl.col("row_count").cum_sum().over("period_on"),
            unit_total=pl.col("unit_total").cum_sum().over("period_on") if units else pl.lit(None, pl.Decimal(18, 3)),
            amount_total=pl.col("amount_total").cum_sum().over("period_on") if amount else pl.lit(None, MONEY),
            known_at=days.extract_at(pl.col("extract")),
        )
        .with_columns(pl.col("unit_total").cast(pl.Decimal(18, 3)), pl.col("amount_total").cast(MONEY))
        .sort("known_at", "stream_name", "period_on")
    )


def together(*parts: pl.DataFrame) -> pl.DataFrame:
    """The controls of one source, in the order they become known."""
    return pl.concat(parts).sort("known_at", "stream_name", "period_on")
