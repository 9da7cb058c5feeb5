"""What a model may look at: everything known at an origin, and the plan and calendar of the bucket it aims at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecasting.festivals import Festivals, Unusual, festival_features, festive, look_at_festivals, out_of_usual
from forecasting.grid import Floats, Grid, Ints, Matrix, part_of
from forecasting.plans import Plans, Told, highest_promotions, look_at_plans, plan_features
from forecasting.smoothing import short_season_indices, smoothed_path

MAX_GROUP_COLUMNS = 3
SMOOTHED = (0.1, 0.3)
SEASONS = 3
CATEGORY = "code_of_"
ALL = "all"


@dataclass(frozen=True)
class Totals:
    """Running sums of a grid, so that the mean of any window is two look-ups."""

    units: Floats
    seen: Floats
    sales: Floats

    def mean(self, end: int, width: int) -> Floats:
        """Mean of the observed cells of buckets (end - width, end]; NaN where none was observed."""
        low, high = max(0, end + 1 - width), max(0, end + 1)
        return _ratio(self.units[:, high] - self.units[:, low], self.seen[:, high] - self.seen[:, low])

    def sale_share(self, end: int, width: int) -> Floats:
        """Share of the observed buckets in which something sold."""
        low, high = max(0, end + 1 - width), max(0, end + 1)
        return _ratio(self.sales[:, high] - self.sales[:, low], self.seen[:, high] - self.seen[:, low])


@dataclass(frozen=True)
class Market:
    """What a whole grid says of any part of it: sums and unusual buckets of its groups, categories, high promotions."""

    groups: Mapping[str, Totals]
    unusual: Mapping[str, Unusual]
    categories: tuple[str, ...]
    highest: Mapping[str, float]


@dataclass(frozen=True)
class Sight:
    """A grid with its running sums and those of its groups: what every origin's features are read from.

    The rows of `together` are the series (`own`), then the groups; `groups` says of each series which row a group has.
    `festive` says in which buckets a festival was on, `unusual` how far each group left its usual demand.
    """

    grid: Grid
    together: Totals
    groups: Mapping[str, Ints]
    smooth: Mapping[float, Floats]
    last_sale: Ints
    born: Ints
    categories: tuple[str, ...]
    plans: Plans
    festive: NDArray[np.bool_]
    festivals: Festivals | None
    unusual: Mapping[str, tuple[Ints, Unusual]]

    @property
    def own(self) -> Totals:
        """The running sums of the series alone."""
        rows = slice(self.grid.count)
        return Totals(self.together.units[rows], self.together.seen[rows], self.together.sales[rows])


@dataclass(frozen=True)
class Vantage:
    """All series as seen from one origin: level and usual size of a sale, the calm recent buckets and their season.

    `sizes` goes on with the groups: they sell so much that nothing need calm them, so theirs are 0. `calm` begins at
    bucket `first` and ends at the origin; festivals are NaN in it.
    """

    sight: Sight
    origin: int
    scale: Floats
    size: Floats
    sizes: Floats
    first: int
    calm: Floats
    season_index: Floats


@dataclass(frozen=True)
class Columns:
    """Feature matrix (rows × names), the part each column explains, and what switches it off: a figure or a column."""

    names: tuple[str, ...]
    values: Matrix
    part: tuple[str, ...]
    neutral: tuple[float | str, ...]

    def without(self, part: str) -> Matrix:
        """The matrix with every column of `part` switched off; what is not known stays so."""
        out = self.values.copy()
        switched: set[float | str] = set()
        for index, (name, off) in enumerate(zip(self.names, self.neutral, strict=True)):
            # A column that stands on one just switched off follows it: parts are switched off from promotion to price.
            if self.part[index] == part or off in switched:
                known = ~np.isnan(out[:, index])
                out[known, index] = out[known, self.names.index(off)] if isinstance(off, str) else off
                switched.add(name)
        return out


def market_of(grid: Grid) -> Market:
    """What the whole grid says of every block of its series, read once, so that blocks see the same as the whole."""
    distinct = {name: int(codes.max(initial=0)) + 1 for name, codes in grid.static.items()}
    means = {name: _summed(grid.values, codes) for name, codes in groups_of(grid).items()}
    has_festivals = "festival" in grid.known_part.values()
    return Market(
        groups={name: _totals(values) for name, values in means.items()},
        unusual={name: out_of_usual(values, grid) for name, values in means.items() if has_festivals},
        categories=tuple(name for name, count in distinct.items() if has_years(grid) and count < grid.count),
        highest=highest_promotions(grid),
    )


def groups_of(grid: Grid) -> dict[str, Ints]:
    """Group name → code of each series: all of them, and the static columns that put at least two together."""
    groups = {ALL: np.zeros(grid.count, dtype=np.int64)}
    for name, codes in grid.static.items():
        distinct = int(codes.max(initial=0)) + 1
        if 1 < distinct <= grid.count // 2 and len(groups) <= MAX_GROUP_COLUMNS:
            groups[name] = codes
    return groups


def look(grid: Grid, market: Market | None = None) -> Sight:
    """Running sums of each series and of its groups; `market` is that of the grid which `grid` is a block of."""
    market = market or market_of(grid)
    alone = np.zeros(grid.count, dtype=np.int64)
    seen = ~np.isnan(grid.values)
    sold = seen & (np.nan_to_num(grid.values) > 0)
    steps = np.arange(grid.length)
    last_sale = np.maximum.accumulate(np.where(sold, steps, -1), axis=1) if grid.length else np.zeros((grid.count, 0))
    born = np.where(seen.any(axis=1), np.argmax(seen, axis=1), grid.length)
    everyone = [_totals(grid.values), *market.groups.values()]
    groups, first = {}, grid.count
    for name, totals in market.groups.items():
        groups[name] = first + grid.static.get(name, alone)
        first += totals.units.shape[0]
    return Sight(
        grid=grid,
        together=Totals(
            units=np.concatenate([totals.units for totals in everyone]),
            seen=np.concatenate([totals.seen for totals in everyone]),
            sales=np.concatenate([totals.sales for totals in everyone]),
        ),
        groups=groups,
        smooth={alpha: smoothed_path(grid.values, alpha) for alpha in SMOOTHED},
        last_sale=last_sale.astype(np.int64),
        born=born.astype(np.int64),
        categories=market.categories,
        plans=look_at_plans(grid, market.highest),
        festive=festive(grid),
        festivals=look_at_festivals(grid),
        unusual={name: (grid.static.get(name, alone), values) for name, values in market.unusual.items()},
    )


def level(sight: Sight, origin: int) -> tuple[Floats, Floats]:
    """Recent level of each series at `origin` (units a bucket, above zero) and its usual size of a sale.

    The level is the mean of the rhythm's level window, pulled by two buckets' weight towards the year's mean, plus a
    trace of one sale, so that a sleeping series keeps a small scale to multiply.
    """
    rhythm = sight.grid.rhythm
    year = max(rhythm.year, rhythm.level)
    sold = sight.own.sales[:, origin + 1]
    size = np.maximum(_ratio(sight.own.units[:, origin + 1], sold, empty=1.0), 1e-9)
    low = max(0, origin + 1 - rhythm.level)
    units = sight.own.units[:, origin + 1] - sight.own.units[:, low]
    seen = sight.own.seen[:, origin + 1] - sight.own.seen[:, low]
    long_run = np.nan_to_num(sight.own.mean(origin, year))
    return (units + 2.0 * long_run + 0.1 * size) / (seen + 2.0), size


def vantage(sight: Sight, origin: int) -> Vantage:
    """What every bucket aimed at from `origin` is seen by."""
    season = sight.grid.rhythm.short_season
    scale, size = level(sight, origin)
    low = max(0, origin + 1 - 8 * season)
    calm = _calm(sight.grid.values[:, low : origin + 1], sight.festive[:, low : origin + 1])
    sizes = np.concatenate([size, np.zeros(sight.together.units.shape[0] - size.size)])
    return Vantage(sight, origin, scale, size, sizes, low, calm, short_season_indices(calm, season))


def origin_features(view: Vantage) -> dict[str, Floats]:
    """Features that do not depend on the bucket aimed at: name → one figure per series, relative to its level."""
    sight, origin, scale, size = view.sight, view.origin, view.scale, view.size
    rhythm = sight.grid.rhythm
    out: dict[str, Floats] = {
        "log_rate": np.log(scale / size),
        "age": np.minimum(origin - sight.born, rhythm.year).astype(np.float64),
        "waited": np.minimum(origin - sight.last_sale[:, origin], rhythm.year).astype(np.float64),
    }
    values = sight.grid.values
    for name in sight.categories:
        out[f"{CATEGORY}{name}"] = sight.grid.static[name].astype(np.float64)
    for back in range(3):
        lagged = values[:, origin - back] if back <= origin else np.full(scale.size, np.nan)
        out[f"lag_{back}"] = lagged / scale
    for width in rhythm.windows:
        out[f"mean_{width}"] = sight.own.mean(origin, width) / scale
    for alpha, path in sight.smooth.items():
        out[f"smooth_{alpha}"] = path[:, origin] / scale
    for width in (rhythm.level, 2 * rhythm.level):
        out[f"sale_share_{width}"] = sight.own.sale_share(origin, width)
    out["spread"] = _spread(values[:, max(0, origin + 1 - 2 * rhythm.level) : origin + 1]) / scale
    trend = _ratio(sight.together.mean(origin, rhythm.windows[1]), sight.together.mean(origin, rhythm.level))
    for name, row in sight.groups.items():
        out[f"trend_of_{name}"] = trend[row]
    for name, told in (*sight.grid.past.items(), *sight.grid.known.items()):
        if part_of(name) == "promotion":
            out |= _in_and_out_of_promotion(name, told, values, origin, 2 * rhythm.windows[3], scale)
    for name, past in sight.grid.past.items():
        recent = past[:, max(0, origin - 1) : origin + 1]
        usual = _mean(past[:, max(0, origin + 1 - rhythm.level) : origin + 1])
        out[f"recent_{name}"] = _mean(recent)
        out[f"recent_{name}_to_usual"] = _ratio(_mean(recent), usual)
    return out


def target_features(view: Vantage, step: int) -> Told:
    """Features of the bucket `step` after the origin: name → (figures, part, neutral figure)."""
    sight, origin, scale = view.sight, view.origin, view.scale
    grid, rhythm = sight.grid, sight.grid.rhythm
    target = origin + step
    out: Told = {"step": (np.full(grid.count, float(step)), "base", 0.0)}
    if rhythm.short_season > 1:
        out["season_index"] = (view.season_index[:, (step - 1) % rhythm.short_season], "season", 1.0)
        same = _same_phase(view.calm, target - view.first, origin - view.first, rhythm.short_season)
        out["same_phase"] = (same / scale, "season", 1.0)
    for name, figure in _calendar(grid, target).items():
        out[name] = (np.full(grid.count, figure), "season", np.nan)
    growth = year_growth(sight, sight.together, origin, target, view.sizes)
    for name, row in sight.groups.items():
        out[f"year_growth_of_{name}"] = (growth[row], "season", 1.0)
    out["year_growth"] = (growth[: grid.count], "season", 1.0)
    out["year_ago"] = (_a_year_before(sight, sight.own, origin, target) / scale, "season", 1.0)
    out |= festival_features(grid, sight.festivals, sight.unusual, origin, target)
    return out | plan_features(grid, sight.plans, origin, target, scale)


def has_years(grid: Grid) -> bool:
    """Whether more than a year has been seen.

    Before that the day of the year only numbers the buckets and would be learnt as a trend, and what a series is
    called would be learnt for the luck of a few months.
    """
    return grid.length > grid.rhythm.year + grid.ahead


def _calendar(grid: Grid, target: int) -> dict[str, float]:
    """Where in the week, month and year a bucket begins."""
    day = grid.bucket_on(target)
    out = {"weekday": float(day.weekday()), "month_day": float(day.day)} if grid.freq == "D" else {}
    if has_years(grid):
        out["year_day"] = float(day.month if grid.freq == "MS" else day.timetuple().tm_yday)
    return out


def year_growth(sight: Sight, totals: Totals, origin: int, target: int, size: Floats) -> Floats:
    """How demand moved a year ago between the same two moments (ratio of means); NaN before a year is there.

    Half a sale of usual `size` is laid on both moments, so that a series that rarely sells does not leap.
    """
    rhythm = sight.grid.rhythm
    width = rhythm.windows[2]
    if origin - _years_back(sight, target - origin) - width + 1 < 0:
        return np.full(totals.units.shape[0], np.nan)
    then = _a_year_before(sight, totals, origin, target)
    before = totals.mean(origin - _years_back(sight, target - origin), width)
    return np.clip(_ratio(then + 0.5 * size, before + 0.5 * size), 0.05, 20.0)


def origin_columns(view: Vantage) -> Columns:
    """`origin_features` as a matrix, for every bucket aimed at from the origin."""
    told = origin_features(view)
    matrix = np.stack(list(told.values()), axis=1, dtype=np.float32, casting="same_kind")
    return Columns(tuple(told), matrix, ("base",) * len(told), (0.0,) * len(told))


def stack(origin: Columns, target: Told, rows: Ints | slice) -> Columns:
    """One matrix of both kinds of features for the chosen series."""
    shared = origin.values[rows]
    width = len(origin.names)
    matrix = np.empty((shared.shape[0], width + len(target)), dtype=np.float32)
    matrix[:, :width] = shared
    for place, (values, _, _) in enumerate(target.values(), start=width):
        matrix[:, place] = values[rows]
    return Columns(
        names=(*origin.names, *target),
        values=matrix,
        part=(*origin.part, *(part for _, part, _ in target.values())),
        neutral=(*origin.neutral, *(off for _, _, off in target.values())),
    )


def _years_back(sight: Sight, step: int) -> int:
    """Whole years to step back, so that the blurred bucket of then is not after the origin."""
    rhythm = sight.grid.rhythm
    return rhythm.year * -(-(step + rhythm.year_blur) // rhythm.year)


def _a_year_before(sight: Sight, totals: Totals, origin: int, target: int) -> Floats:
    blur = sight.grid.rhythm.year_blur
    return totals.mean(target - _years_back(sight, target - origin) + blur, 2 * blur + 1)


def earlier_years(sight: Sight, origin: int, target: int) -> Floats:
    """Mean demand of each series around the target's place in the last `SEASONS` years; zero unless it sold in each.

    Years that were not seen say nothing.
    """
    blur, year = sight.grid.rhythm.year_blur, sight.grid.rhythm.year
    last = target - _years_back(sight, target - origin)
    years = np.stack([sight.own.mean(last - back * year + blur, 2 * blur + 1) for back in range(SEASONS)], axis=1)
    return np.where((years == 0).any(axis=1), 0.0, np.nan_to_num(_mean(years)))


def _in_and_out_of_promotion(
    name: str, promotion: Floats, values: Floats, origin: int, width: int, scale: Floats
) -> dict[str, Floats]:
    """A series' own demand with and without its promotion, so that neither is taken for the other when it ends."""
    window = slice(max(0, origin + 1 - width), origin + 1)
    strength = np.nan_to_num(promotion[:, window])
    on = strength > 0.5 * np.maximum(strength.max(axis=1, keepdims=True), 1e-9)
    demand = values[:, window]
    return {
        f"in_{name}": _mean(np.where(on, demand, np.nan)) / scale,
        f"out_of_{name}": _mean(np.where(on, np.nan, demand)) / scale,
        f"share_of_{name}": on.mean(axis=1),
    }


def _calm(values: Floats, festive: NDArray[np.bool_]) -> Floats:
    """The values without those of festivals, which are no usual weekday; all of a series that has little else."""
    kept = (~festive).mean(axis=1) >= 0.5
    return np.where(festive & kept[:, None], np.nan, values)


def _same_phase(values: Floats, target: int, origin: int, season: int) -> Floats:
    picks = [index for index in range(target - season, target - 13 * season, -season) if 0 <= index <= origin][:4]
    return _mean(values[:, picks]) if picks else np.full(values.shape[0], np.nan)


def _totals(values: Floats) -> Totals:
    seen = ~np.isnan(values)
    filled = np.where(seen, values, 0.0)
    return Totals(units=_running(filled), seen=_running(seen), sales=_running(filled > 0))


def _running(values: Floats | NDArray[np.bool_]) -> Floats:
    out = np.zeros((values.shape[0], values.shape[1] + 1))
    np.cumsum(values, axis=1, out=out[:, 1:])
    return out


def _summed(values: Floats, group: Ints) -> Floats:
    """Mean of the observed members of each group, so that births and gaps do not read as growth."""
    count = int(group.max(initial=0)) + 1
    seen = ~np.isnan(values)
    units = np.zeros((count, values.shape[1]))
    members = np.zeros((count, values.shape[1]))
    np.add.at(units, group, np.where(seen, values, 0.0))
    np.add.at(members, group, seen)
    return _ratio(units, members)


def _mean(values: Floats) -> Floats:
    seen = ~np.isnan(values)
    return _ratio(np.where(seen, values, 0.0).sum(axis=1), seen.sum(axis=1).astype(np.float64))


def _spread(values: Floats) -> Floats:
    centre = _mean(values)
    return np.sqrt(_mean((values - centre[:, None]) ** 2))


def _ratio(top: Floats, bottom: Floats, empty: float = np.nan) -> Floats:
    out = np.full(np.broadcast(top, bottom).shape, empty)
    np.divide(top, bottom, out=out, where=bottom > 0)
    return out
