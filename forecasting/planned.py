"""What is known ahead of weekly demand: festivals, days off and promotions as columns of the weeks past and to come."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from forecasting.grid import part_of

SERIES = ("sku", "channel_id")
ANY = "*"
PRICE_CUT, PLANNED_PRICE = "price_cut_rate", "planned_price_rate"


def with_plan(weeks: pl.DataFrame, plan: pl.DataFrame, horizon_weeks: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The weeks with a column for each thing planned, and the same columns of the `horizon_weeks` weeks after them.

    `weeks` as `int_demand_weekly`; `plan` as `int_demand_plan`: sku and channel_id (`*` for all), week_on, name and
    figure (a rate of the week, 0..1; not there means 0). A thing that the weeks past have not seen teaches nothing and
    is left out. A cut of the price becomes `planned_price_rate`, the price as a share of what is usual.
    Promotions and price cuts are null after the last week in which any is planned: there nobody has planned yet, which
    is not the same as none; festivals and days off are known for good. A column that the weeks have already is only
    carried on.
    """
    keys = weeks.select(*SERIES, "location_id").unique().sort(*SERIES, "location_id")
    last_on: date = weeks["week_on"].max()  # type: ignore[assignment]
    ahead = [last_on + timedelta(weeks=step) for step in range(1, horizon_weeks + 1)]
    future = keys.join(pl.DataFrame({"week_on": pl.Series(ahead, dtype=pl.Date)}), how="cross")
    for (name,), told in sorted(plan.group_by("name"), key=lambda part: str(part[0][0])):
        own = name in weeks.columns
        past = _figures(weeks, told)
        if not own and not (past > 0).any():
            continue
        coming = _figures(future, told)
        if name == PRICE_CUT or part_of(str(name)) == "promotion":
            planned_to = future.filter(coming > 0)["week_on"].max()
            coming = future.select(
                pl.when(pl.col("week_on") <= pl.lit(planned_to, dtype=pl.Date)).then(coming)
            ).to_series()
        if name == PRICE_CUT:
            name, past, coming = PLANNED_PRICE, 1 - past, 1 - coming
        weeks = weeks if own else weeks.with_columns(past.alias(str(name)))
        future = future.with_columns(coming.alias(str(name)))
    return weeks, future


def _figures(rows: pl.DataFrame, told: pl.DataFrame) -> pl.Series:
    """The highest figure that is told for each row's SKU, channel and week, be it of this one or of all."""
    found = [pl.Series([0.0] * rows.height, dtype=pl.Float64)]
    for is_any_sku in (False, True):
        for is_any_channel in (False, True):
            part = told.filter((pl.col("sku") == ANY) == is_any_sku, (pl.col("channel_id") == ANY) == is_any_channel)
            on = [
                *([] if is_any_sku else ["sku"]),
                *([] if is_any_channel else ["channel_id"]),
                "week_on",
            ]
            joined = rows.select(on).join(part.select(*on, "figure"), on=on, how="left", maintain_order="left")
            found.append(joined["figure"].cast(pl.Float64).fill_null(0.0))
    return pl.DataFrame({str(place): figures for place, figures in enumerate(found)}).max_horizontal()
