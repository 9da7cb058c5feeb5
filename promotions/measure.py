"""The verdicts on promotion runs: treated stores against stores without, on weekly counts as sparse as they come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from promotions.compare import (
    AGAINST_MAILER,
    AGAINST_NONE,
    Comparison,
    NotComparableError,
    Shelf,
    Shelves,
    Weeks,
    compare,
)
from promotions.control import MAX_DONORS, Estimate, estimate
from promotions.effect import MEASURED, NOT_MEASURABLE, in_words
from promotions.runs import treated_cells

# Wider than a panel's bound of a doubling, by choice: one run of sparse receipts seldom sells enough for that. At 1.0 a
# third as many runs of the demo have a verdict. The interval is as honest either way, and says "it may be chance".
MAX_DETECTABLE_RATE = 1.5
MIN_CUT_RATE = 0.01  # a smaller cut of the price is rounding, and a return on it means nothing

COLUMNS: dict[str, pl.DataType] = {
    "promotion_id": pl.String(),
    "sku": pl.String(),
    "channel_id": pl.String(),
    "method": pl.String(),
    "kind": pl.String(),
    "starts_on": pl.Date(),
    "ends_on": pl.Date(),
    "treated_stores": pl.Int64(),
    "treated_units": pl.Decimal(18, 3),
    "donor_stores": pl.Int64(),
    "pre_weeks": pl.Int64(),
    "baseline_units": pl.Decimal(18, 3),
    "incremental_units": pl.Decimal(18, 3),
    "low_units": pl.Decimal(18, 3),
    "high_units": pl.Decimal(18, 3),
    "lift_rate": pl.Float64(),
    "p_placebo": pl.Float64(),
    "minimum_detectable_lift_rate": pl.Float64(),
    "margin_amount": pl.Decimal(18, 4),
    "roi": pl.Float64(),
    "verdict": pl.String(),
    "why": pl.String(),
}


def measure_runs(
    weeks: pl.DataFrame,
    runs: pl.DataFrame,
    max_runs: int = 200,
    unit_costs: pl.DataFrame | None = None,
    *,
    channel_id: str = "store",
    confidence: float = 0.9,
) -> pl.DataFrame:
    """Return one verdict per run, in the columns `COLUMNS` of promotions.effects.

    `weeks`: as `promotions.runs.find_runs` takes it. `runs`: its result, or part of it. `unit_costs`: sku, cost_amount
    of one unit; without it margin_amount and roi stay empty.
    Runs are taken by treated sales, the largest first, until `max_runs` of them have been compared. Those that have
    nothing to be compared with say so and take no place; all behind the last are 'outside the N largest runs'.

    Donors are stores that sell the SKU, show their placements, and had none of it in the run's weeks. Where every store
    was in the mailer, stores on display too are held against stores with the same mailer weeks and no display
    (`method` says so: it is the display's addition). Pre weeks are the last 26 in which most treated stores were clean
    of placements. Each store is an index of its own clean mean, so that large and small stores are alike in shape; a
    donor's ridge is its Poisson noise, so that small stores do not lead. Figures are empty unless the verdict is
    'measured'. `margin_amount` is what the treated stores earned more than expected, the lower price on units that
    would have sold anyway included; `roi` divides it by the price cut given, and is empty where there was none.
    """
    wanted = runs.sort("treated_sales_amount", "promotion_id", descending=[True, False])
    costs = dict(unit_costs.select("sku", "cost_amount").iter_rows()) if unit_costs is not None else {}
    cells = treated_cells(weeks).join(wanted.select("promotion_id"), on="promotion_id", how="semi")
    treated = {
        str(name): (sorted(stores), sorted(on))
        for name, stores, on in cells.group_by("promotion_id").agg(pl.col("store_id", "week_on").unique()).iter_rows()
    }
    calendar = {week: number for number, week in enumerate(weeks["week_on"].unique().sort())}
    shelves = Shelves(weeks, calendar)
    rows: list[dict[str, Any]] = []
    places = max_runs
    for run in wanted.iter_rows(named=True):
        row = {name: run[name] for name in COLUMNS if name in run}
        row |= {"channel_id": channel_id, "method": AGAINST_NONE, "verdict": NOT_MEASURABLE}
        if places == 0:
            rows.append(row | {"why": f"outside the {max_runs} largest runs"})
            continue
        if run["promotion_id"] not in treated:
            rows.append(row | {"why": "no store had this placement"})
            continue
        stores, on = treated[run["promotion_id"]]
        try:
            shelf, span = shelves[run["sku"]], np.array([calendar[week] for week in on])
            found = compare(shelf, run["kind"], stores, span)
        except NotComparableError as reason:
            rows.append(row | {"why": str(reason)})
            continue
        places -= 1
        rows.append(row | _verdict(shelf, found, span, confidence, costs.get(run["sku"])))
    return pl.DataFrame(list(_rounded(rows)), schema=COLUMNS)


def _verdict(shelf: Shelf, found: Comparison, on: Weeks, confidence: float, cost: float | None) -> dict[str, Any]:
    observed = float(shelf.units[np.ix_(found.stores, on)].sum())
    cells = found.usual_units * len(on)
    # Counts above the usual vary more than the placebos did: the excess adds its own Poisson noise.
    excess = max(0.0, observed / cells - 1.0)
    result = estimate(
        found.treated,
        found.donors,
        found.pre,
        [np.sqrt(found.pre) * found.noise],
        confidence=confidence,
        noise=(found.dispersion / found.usual_units, found.noise),
        own_variance=found.dispersion * excess / cells,
    )
    baseline = observed - result.att * cells
    row: dict[str, Any] = {
        "method": found.method,
        "treated_stores": int(found.stores.sum()),
        "treated_units": observed,
        "donor_stores": min(MAX_DONORS, found.donors.shape[1]),
        "pre_weeks": found.pre,
    }
    # Relative to the sales of weeks like these, known before the run: judged by the run's own luck, the baselines that
    # came out low would be sorted out, and lifts with them.
    detectable = result.detectable / found.level
    row["minimum_detectable_lift_rate"] = detectable
    if detectable > MAX_DETECTABLE_RATE:
        return row | {"why": f"too noisy: only a lift above {detectable:.0%} would have been found"}
    if baseline <= 0:
        return row | {"why": "stores without it sold too little in those weeks to say what was to be expected"}
    return row | _figures(shelf, found, result, on, baseline, cost)


def _figures(
    shelf: Shelf, found: Comparison, result: Estimate, on: Weeks, baseline: float, cost: float | None
) -> dict[str, Any]:
    cells = found.usual_units * len(on)
    incremental = result.att * cells
    observed = baseline + incremental
    lift = incremental / baseline
    addition = (
        "; every store was in the mailer, so this is what the display added" if found.method == AGAINST_MAILER else ""
    )
    row: dict[str, Any] = {
        "baseline_units": baseline,
        "incremental_units": incremental,
        "low_units": result.low * cells,
        "high_units": result.high * cells,
        "lift_rate": lift,
        "p_placebo": result.p_placebo,
        "verdict": MEASURED,
        "why": in_words(lift, result.low, result.high, result.placebos) + addition,
    }
    if cost is None or observed <= 0:
        return row
    sales = float(shelf.sales[np.ix_(found.stores, on)].sum())
    if found.method == AGAINST_MAILER:  # without the display the mailer's price would have been the same
        return row | {"margin_amount": incremental * (sales / observed - cost)}
    margin = sales - observed * cost - baseline * (found.usual_price - cost)
    cut = observed * found.usual_price - sales
    return row | {"margin_amount": margin, "roi": margin / cut if cut > MIN_CUT_RATE * sales else None}


def _rounded(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Give decimals their digits: polars refuses to cut a float on its own."""
    for row in rows:
        yield {
            name: round(float(row[name]), dtype.scale)
            if isinstance(dtype, pl.Decimal) and row.get(name) is not None
            else row.get(name)
            for name, dtype in COLUMNS.items()
        }
