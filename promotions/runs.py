"""Promotion runs: which stores had one SKU on display or in the mailer, from which week to which."""

from __future__ import annotations

import polars as pl

DISPLAY, MAILER, BOTH = "display", "mailer", "both"

# A typical store shows this many placements (sku x week) or more before one that shows none is taken for silent.
TYPICAL_PLACEMENTS = 100


def find_runs(weeks: pl.DataFrame) -> pl.DataFrame:
    """Return one row per run: stores that put one SKU on placement in the same week and kept it on.

    `weeks` (int_promotion_weeks): sku, store_id, week_on (Mondays), units, net_sales_amount, is_display, is_mailer; one
    row per sku, store and week with sales or placement; a missing row means neither.
    Result: promotion_id (`<kind>-<sku>-<first week>`), sku, kind (display, mailer, both at once), starts_on (Monday),
    ends_on (Sunday), treated_stores, treated_units, treated_sales_amount; most sales first, ties by id.
    The run lasts as long as half of the stores that began it keep it; its treated stores are those that kept it all
    those weeks. A change from one kind to another is the end of one run and the start of another.
    """
    return (
        treated_cells(weeks)
        .group_by("promotion_id", "sku", "kind")
        .agg(
            starts_on=pl.col("week_on").min(),
            ends_on=pl.col("week_on").max().dt.offset_by("6d"),
            treated_stores=pl.col("store_id").n_unique().cast(pl.Int64),
            treated_units=pl.col("units").sum(),
            treated_sales_amount=pl.col("net_sales_amount").sum(),
        )
        .sort("treated_sales_amount", "promotion_id", descending=[True, False])
    )


def treated_cells(weeks: pl.DataFrame) -> pl.DataFrame:
    """Return the store weeks of every run: promotion_id, sku, kind, store_id, week_on, units, net_sales_amount."""
    placed = (
        weeks.filter(pl.col("is_display") | pl.col("is_mailer"))
        .select("sku", "store_id", "week_on", "units", "net_sales_amount", kind=_kind())
        .sort("sku", "store_id", "week_on")
    )
    store = ["sku", "store_id"]
    goes_on = (
        (pl.col("week_on") - pl.col("week_on").shift(1).over(store) == pl.duration(days=7))
        & (pl.col("kind") == pl.col("kind").shift(1).over(store))
    ).fill_null(value=False)
    spell = [*store, "spell"]
    spells = placed.with_columns(spell=(~goes_on).cum_sum().over(store)).with_columns(
        starts_on=pl.col("week_on").min().over(spell),
        spell_weeks=pl.len().over(spell),
        week=pl.int_range(pl.len()).over(spell),
    )
    run = ["sku", "kind", "starts_on"]
    lengths = (
        spells.filter(pl.col("week") == 0)
        .group_by(run)
        .agg(run_weeks=pl.col("spell_weeks").quantile(0.5, interpolation="lower"))
    )
    return (
        spells.join(lengths, on=run)
        .filter(pl.col("spell_weeks") >= pl.col("run_weeks"), pl.col("week") < pl.col("run_weeks"))
        .with_columns(promotion_id=pl.format("{}-{}-{}", "kind", "sku", "starts_on"))
        .select("promotion_id", "sku", "kind", "store_id", "week_on", "units", "net_sales_amount")
        .sort("promotion_id", "store_id", "week_on")
    )


def silent_stores(weeks: pl.DataFrame) -> set[str]:
    """Return the stores that show no placement of anything, ever, though a typical store shows many.

    Nothing is known of such a store's placements, so it is no proof of what sells without one.
    """
    shown = weeks.group_by("store_id").agg(placements=(pl.col("is_display") | pl.col("is_mailer")).sum())
    showing = shown.filter(pl.col("placements") > 0)
    typical = showing["placements"].median()
    if not isinstance(typical, float) or typical < TYPICAL_PLACEMENTS:
        return set()
    return set(shown.filter(pl.col("placements") == 0)["store_id"])


def _kind() -> pl.Expr:
    return (
        pl.when(pl.col("is_display") & pl.col("is_mailer"))
        .then(pl.lit(BOTH))
        .when(pl.col("is_display"))
        .then(pl.lit(DISPLAY))
        .otherwise(pl.lit(MAILER))
    )
