"""What moves beside demand and is known until now: visitors, reach and coupons as columns of the weeks past."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import polars as pl

from forecasting.grid import Grid

ANY = "*"
# Columns of this name are seen up to an origin and never after it.
PREFIX = "signal_"
OF_ALL = "_of_all"


def with_signals(weeks: pl.DataFrame, signals: pl.DataFrame) -> pl.DataFrame:
    """The weeks with a column for each signal: `signal_<name>` of the SKU, `signal_<name>_of_all` of the brand.

    `weeks` as `int_demand_weekly`; `signals` as `int_demand_signal`: sku and channel_id (`*` for all), week_on, name
    and figure (a count, not there means 0). What is told of a channel and what is told of all of them are summed; what
    is told of a SKU and what is told of none stand apart, because they are different things in size. Before a signal's
    first week and after its last one nothing was heard, which is not the same as none: null. A signal that no series
    ever had teaches nothing and is left out.
    """
    for (name,), told in sorted(signals.group_by("name"), key=lambda part: str(part[0][0])):
        is_heard = weeks["week_on"].is_between(told["week_on"].min(), told["week_on"].max())
        for suffix, part in (("", told.filter(pl.col("sku") != ANY)), (OF_ALL, told.filter(pl.col("sku") == ANY))):
            figures = _figures(weeks, part, ("week_on",) if suffix else ("sku", "week_on"))
            if (figures.filter(is_heard) > 0).any():
                column = pl.select(pl.when(is_heard).then(figures)).to_series()
                weeks = weeks.with_columns(column.alias(f"{PREFIX}{name}{suffix}"))
    return weeks


def signals_in(names: Iterable[str]) -> list[str]:
    """Those of a table's or grid's columns that are signals."""
    return [name for name in names if name.startswith(PREFIX)]


def without_signals(grid: Grid) -> Grid:
    """The grid of somebody who hears no signal."""
    heard = set(signals_in(grid.past))
    return replace(grid, past={name: values for name, values in grid.past.items() if name not in heard})


def _figures(weeks: pl.DataFrame, told: pl.DataFrame, on: tuple[str, ...]) -> pl.Series:
    """What was told for each row's channel and for all channels together, summed; 0 where nothing was."""
    of_one, of_all = told.filter(pl.col("channel_id") != ANY), told.filter(pl.col("channel_id") == ANY)
    found = []
    for part, keys in ((of_one, [*on, "channel_id"]), (of_all, [*on])):
        # Figures are counts, so that they sum to the same in any order.
        summed = part.group_by(keys).agg(pl.col("figure").sum())
        joined = weeks.select(keys).join(summed, on=keys, how="left", maintain_order="left")
        found.append(joined["figure"].cast(pl.Float64).fill_null(0.0))
    return found[0] + found[1]
