"""What a promotion run is compared with: its stores and stores without it, as indices of their usual sales."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from promotions.control import Array
from promotions.effect import MIN_PRE_PERIODS
from promotions.runs import BOTH, silent_stores

Mask = NDArray[np.bool_]
Weeks = NDArray[np.int64]

AGAINST_NONE = "synthetic control"
AGAINST_MAILER = "synthetic control, same mailer"

PRE_WEEKS = 26
MIN_DONOR_STORES = 5
MIN_EXPECTED_UNITS = 6  # Poisson noise alone hides a doubling of fewer
MIN_STORE_WEEKS = 4  # clean weeks a treated store needs to have a level of its own
MIN_ALIKE_WEEKS = 2
MIN_DONOR_CLEAN_RATE = 0.7


@dataclass(frozen=True)
class Shelf:
    """One SKU over stores (rows) and weeks (columns); a week without a row in the input is a week without sales."""

    stores: list[str]
    units: Array
    sales: Array
    display: Mask
    mailer: Mask
    silent: Mask


@dataclass(frozen=True)
class Comparison:
    """Treated stores as one index (1 = usual sales) and donors' indices, pre weeks first, then the run's weeks."""

    treated: Array
    donors: Array
    pre: int
    noise: Array  # variance of each donor's index in one week, were its counts Poisson times the dispersion
    level: float  # of the treated index in weeks like the run's, seen before it
    usual_units: float  # of the treated stores a week, outside placements
    usual_price: float
    dispersion: float  # variance over mean of weekly counts
    stores: Mask  # the treated stores compared
    method: str


class NotComparableError(Exception):
    """A run that has nothing to be compared with; says why."""


class Shelves:
    """The SKUs of a frame of weeks as matrices, each made when first asked for."""

    def __init__(self, weeks: pl.DataFrame, calendar: dict[Any, int]) -> None:
        columns = weeks.select(
            "sku",
            "store_id",
            "is_display",
            "is_mailer",
            week=pl.col("week_on").replace_strict(calendar, return_dtype=pl.Int64),
            units=pl.col("units").cast(pl.Float64),
            sales=pl.col("net_sales_amount").cast(pl.Float64),
        )
        self._parts = columns.partition_by("sku", as_dict=True, include_key=False)
        self._silent = silent_stores(weeks)
        self._weeks = len(calendar)
        self._made: dict[str, Shelf] = {}

    def __getitem__(self, sku: str) -> Shelf:
        if sku not in self._made:
            part = self._parts[(sku,)]
            stores = sorted(set(part["store_id"]))
            place = {store: number for number, store in enumerate(stores)}
            at = ([place[store] for store in part["store_id"]], part["week"].to_numpy())

            def matrix(column: str, kind: type) -> NDArray[Any]:
                values: NDArray[Any] = np.zeros((len(stores), self._weeks), dtype=kind)
                values[at] = part[column].to_numpy()
                return values

            self._made[sku] = Shelf(
                stores,
                matrix("units", float),
                matrix("sales", float),
                matrix("is_display", bool),
                matrix("is_mailer", bool),
                np.array([store in self._silent for store in stores]),
            )
        return self._made[sku]


def compare(shelf: Shelf, kind: str, stores: list[str], on: Weeks) -> Comparison:
    """Return the treated stores and their donors as indices; raises NotComparableError with the reason."""
    treated = np.isin(shelf.stores, stores)
    placed = shelf.display | shelf.mailer
    free = ~treated & ~shelf.silent & ~placed[:, on].any(axis=1)
    if kind == BOTH and free.sum() < MIN_DONOR_STORES:
        same = ~treated & ~shelf.display[:, on].any(axis=1) & shelf.mailer[:, on].all(axis=1)
        if same.sum() >= MIN_DONOR_STORES:
            with_mailer = shelf.mailer[treated].mean(axis=0) > 0.5
            return _compare(shelf, treated, same, ~shelf.display & (shelf.mailer == with_mailer), on, AGAINST_MAILER)
    if not free.any():
        unknown = int((~treated & shelf.silent).sum())
        raise NotComparableError(
            "every store had it" + (f" but {unknown} that never show a placement" if unknown else "")
        )
    if free.sum() < MIN_DONOR_STORES:
        raise NotComparableError(f"only {free.sum()} stores were without it; {MIN_DONOR_STORES} are needed")
    return _compare(shelf, treated, free, ~placed, on, AGAINST_NONE)


def _compare(shelf: Shelf, treated: Mask, free: Mask, clean: Mask, on: Weeks, method: str) -> Comparison:
    sold = np.flatnonzero(shelf.units.sum(axis=0) > 0)
    weeks = np.arange(sold[0] if len(sold) else on[0], on[0])
    weeks = weeks[clean[np.ix_(treated, weeks)].mean(axis=0) >= 0.5][-PRE_WEEKS:]
    if len(weeks) < MIN_PRE_PERIODS:
        raise NotComparableError(
            f"only {len(weeks)} weeks before it were free of placements; {MIN_PRE_PERIODS} are needed"
        )
    usable = clean[:, weeks]
    counted = usable.sum(axis=1)
    usual = np.where(usable, shelf.units[:, weeks], 0.0).sum(axis=1) / np.maximum(counted, 1)
    treated = treated & (counted >= MIN_STORE_WEEKS)
    expected = usual[treated].sum() * len(on)
    if expected < MIN_EXPECTED_UNITS:
        raise NotComparableError(f"too sparse: about {expected:.1f} units were to be expected")
    donors = free & (counted >= MIN_DONOR_CLEAN_RATE * len(weeks)) & (usual > 0)
    if donors.sum() < MIN_DONOR_STORES:
        raise NotComparableError(
            f"only {donors.sum()} stores without it sold enough before; {MIN_DONOR_STORES} are needed"
        )
    # The week's common factor: what a donor would have sold in a week in which it had a placement of its own.
    level = np.where(usable[donors], usual[donors, None], 0.0).sum(axis=0)
    factor = np.where(usable[donors], shelf.units[np.ix_(donors, weeks)], 0.0).sum(axis=0) / np.maximum(level, 1e-9)
    pre = np.where(usable[donors], shelf.units[np.ix_(donors, weeks)] / usual[donors, None], factor)
    post = shelf.units[np.ix_(donors, on)] / usual[donors, None]
    share = np.where(usable[treated], usual[treated, None], 0.0).sum(axis=0)
    own = np.where(usable[treated], shelf.units[np.ix_(treated, weeks)], 0.0).sum(axis=0) / np.maximum(share, 1e-9)
    whole = usual[treated].sum()
    likely = usual[donors, None] * np.maximum(factor, 1e-9)
    misses = np.where(usable[donors], (shelf.units[np.ix_(donors, weeks)] - likely) ** 2, 0.0)
    dispersion = float(misses.sum() / np.where(usable[donors], likely, 0.0).sum())
    units_before = np.where(usable[treated], shelf.units[np.ix_(treated, weeks)], 0.0).sum()
    sales_before = np.where(usable[treated], shelf.sales[np.ix_(treated, weeks)], 0.0).sum()
    alike = shelf.mailer[np.ix_(treated, weeks)].mean(axis=0) > 0.5
    alike = alike if method == AGAINST_MAILER else ~alike
    return Comparison(
        level=max(1.0, float(own[alike].mean())) if alike.sum() >= MIN_ALIKE_WEEKS else 1.0,
        treated=np.append(own, shelf.units[np.ix_(treated, on)].sum(axis=0) / whole),
        donors=np.vstack([pre.T, post.T]),
        pre=len(weeks),
        noise=dispersion / usual[donors],
        usual_units=float(whole),
        usual_price=float(sales_before / units_before),
        dispersion=dispersion,
        stores=treated,
        method=method,
    )
