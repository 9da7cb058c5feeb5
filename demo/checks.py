"""What the MES knows of the goods: which delivery of a component went into which lot, and what was measured."""

from __future__ import annotations

import polars as pl

from demo import draws, goods

# Characteristics with what passes and what is aimed at; the reason for scrap that a failed check explains.
CHARACTERISTICS = {
    "fill_percent": (98.5, 103.0, 100.6, "underfill"),
    "seal_force_newton": (12.0, 30.0, 19.0, "seal"),
    "core_deviation_celsius": (-2.0, 2.0, 0.0, "temperature"),
}
DECIDED_AFTER_MINUTES = 90
OPENING = "201651"
THOUSANDTHS = 1_000


def quality(made: pl.DataFrame, seed: int) -> pl.DataFrame:
    """mes.quality: one check per result, of a characteristic in turn; where scrap has a reason that a check can see,
    of that, and it fails. A lot that fails is on hold until, an hour and a half later, somebody decides."""
    ids = made["product_id"], made["week"], made["part"]
    reasons = {reason: name for name, (*_, reason) in CHARACTERISTICS.items()}
    seen = pl.col("scrap_reason").replace_strict(reasons, default=None, return_dtype=pl.String)
    spread = draws.column(seed, "measured", *ids)
    table = made.with_columns(
        fails=seen.is_not_null(),
        characteristic=pl.coalesce(seen, draws.pick(seed, "characteristic", list(CHARACTERISTICS), *ids)),
        decision=draws.pick(seed, "decision", ["released", "rework", "scrapped"], *ids),
    ).with_columns(
        pl.col("characteristic")
        .replace_strict({name: kinds[place] for name, kinds in CHARACTERISTICS.items()}, return_dtype=pl.Float64)
        .alias(part)
        for place, part in enumerate(("lower", "upper", "aim"))
    )
    # Within limits: somewhere in the middle two thirds around the aim. Outside: below the lower one, or too warm.
    half = pl.min_horizontal(pl.col("upper") - pl.col("aim"), pl.col("aim") - pl.col("lower"))
    beyond = half * (0.05 + 0.5 * spread)
    outside = (
        pl.when(pl.col("characteristic") == "core_deviation_celsius")
        .then(pl.col("upper") + beyond)
        .otherwise(pl.col("lower") - beyond)
    )
    inside = pl.col("aim") + half * (spread - 0.5) * 4 / 3
    checks = table.select(
        check_no=pl.lit("QC-") + pl.col("result"),
        work_order="work_order",
        batch="lot",
        characteristic="characteristic",
        subgroup="shift_id",
        value=pl.when("fails").then(outside).otherwise(inside).round(2),
        lower="lower",
        upper="upper",
        passed=~pl.col("fails"),
        disposition=pl.when("fails").then(pl.lit("on_hold")).otherwise(pl.lit("released")),
        checked_at="known_at",
        decision="decision",
        known_at="known_at",
    )
    decided = checks.filter(~pl.col("passed")).with_columns(
        disposition="decision", known_at=pl.col("known_at") + pl.duration(minutes=DECIDED_AFTER_MINUTES)
    )
    return pl.concat([checks, decided]).drop("decision").sort("known_at", "check_no")


def consumption(made: pl.DataFrame, wares: pl.DataFrame, parts: pl.DataFrame, counts: pl.DataFrame) -> pl.DataFrame:
    """mes.consumption: how much of which delivery of a component went into which lot, so far, each time that a shift
    adds to it: work_order, component, component_lot, batch, qty, used_at, known_at.

    `parts` and `counts` are `lots.component_flows`. The oldest delivery is used up first.
    """
    used = _used(made, wares).with_row_index("left_row")
    supply = _supply(parts, counts).with_row_index("right_row")
    pieces = draws.in_order(
        used.select("component", "left_row", "size"),
        supply.select("component", "right_row", "size"),
        ["component"],
        "size",
    ).drop_nulls("left_row")
    # Rounding may leave the last delivery a few grams short.
    pieces = pieces.join(supply.select("right_row", "component_lot"), on="right_row", how="left").with_columns(
        pl.col("component_lot").forward_fill().over("component", order_by="left_end")
    )
    key = ["work_order", "component", "component_lot"]
    return (
        pieces.join(used.drop("component", "size"), on="left_row")
        .group_by(*key, "result", "batch", "known_at")
        .agg(pl.col("size").sum())
        .sort("known_at", "result", *key)
        .with_columns(qty=pl.col("size").cum_sum().over(key).cast(pl.Float64) / THOUSANDTHS)
        .select(*key, "batch", "qty", used_at="known_at", known_at="known_at")
    )


def _used(made: pl.DataFrame, wares: pl.DataFrame) -> pl.DataFrame:
    """What each result took of each component, in thousandths, in the order of time."""
    need = pl.DataFrame(
        [(kind, sku, quantity) for kind, share in goods.raw_per_unit().items() for sku, quantity in share.items()],
        schema=["product_category", "component", "per_unit"],
        orient="row",
    )
    taken = (pl.col("good") + pl.col("scrap")) * pl.col("per_unit") * THOUSANDTHS
    return (
        made.join(wares.select("product_id", "product_category"), on="product_id")
        .join(need, on="product_category")
        .select("work_order", "result", "component", "known_at", batch="lot", size=taken.round(0).cast(pl.Int64))
        .filter(pl.col("size") > 0)
        .sort("known_at", "result", "component")
    )


def _supply(parts: pl.DataFrame, counts: pl.DataFrame) -> pl.DataFrame:
    """What lay there at the start, then each Monday's delivery: component, component_lot, size in thousandths."""
    size = (pl.col("units") * THOUSANDTHS).round(0).cast(pl.Int64)
    first_day = parts.filter((pl.col("kind") == "issue") & (pl.col("day") == 0)).select("sku", issued="units")
    opening = (
        counts.filter(pl.col("day") == 0)
        .join(first_day, on="sku", how="left")
        .select(
            "sku", day=pl.lit(-1, pl.Int32), week=pl.lit(OPENING), units=pl.col("units") + pl.col("issued").fill_null(0)
        )
    )
    brought = parts.filter(pl.col("kind") == "receipt").select(
        "sku", "day", week=pl.col("ref").str.slice(2), units="units"
    )
    return (
        pl.concat([opening, brought])
        .sort("sku", "day")
        .select(component="sku", component_lot=pl.col("sku") + pl.lit("-") + pl.col("week"), size=size)
        .filter(pl.col("size") > 0)
    )
