"""Weekly demand, observed and forecast, at any level; bands of a sum account for how series move together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from apps.queries import forecast
from apps.queries.warehouse import Warehouse

# Quantiles 0.90 and 0.95 of the normal distribution, in proportion.
_INNER = 1.2816 / 1.6449

_MATCHING = """
select forecast.*, product.name, product.category
from mart_forecast as forecast
left join dim_product as product on forecast.sku = product.sku and product.is_current
where
    forecast.freq = 'W'
    and forecast.channel_id = coalesce($channel, forecast.channel_id)
    and coalesce(product.category, '-') = coalesce($category, product.category, '-')
    and forecast.sku = coalesce($sku, forecast.sku)
    and forecast.location_id = coalesce($place, forecast.location_id)
"""

_HISTORY = f"""
with matching as ({_MATCHING})
select bucket_on, sum(observed_units)::double as units
from matching
where is_history
group by bucket_on
order by bucket_on
"""  # noqa: S608  (a fixed text joined to a fixed text)

# A sum's spread lies between that of independent series and that of series in step. The history says where: the
# variance of the total's week-to-week steps over the sum of the series' own. Differences take out level and trend.
_FUTURE = f"""
with matching as ({_MATCHING}),

steps as (
    select
        sku, channel_id, location_id, bucket_on,
        (
            observed_units
            - lag(observed_units) over (partition by sku, channel_id, location_id order by bucket_on)
        )::double as step
    from matching
    where is_history
),

totals as (
    select bucket_on, sum(step) as step
    from steps
    where step is not null
    group by bucket_on
),

singles as (
    select var_samp(step) as variance
    from steps
    where step is not null
    group by sku, channel_id, location_id
),

together as (
    select
        greatest(1, coalesce(
            (select var_samp(step) from totals) / nullif((select sum(variance) from singles), 0), 1
        )) as ratio
)

select
    bucket_on,
    count(*) as series,
    sum(final_units)::double as final_units,
    sum(baseline_units)::double as baseline_units,
    count(override_id) as overridden,
    sum(base_units)::double as base,
    sum(season_units)::double as season,
    sum(price_units)::double as price,
    sum(promotion_units)::double as promotion,
    sum(festival_units)::double as festival,
    sum(other_units)::double as other,
    sum(q50_units)::double as median_units,
    sqrt(any_value(ratio) * sum(greatest(final_units - q05_units, 0)::double ** 2)) as below_05,
    sqrt(any_value(ratio) * sum(greatest(final_units - q10_units, 0)::double ** 2)) as below_10,
    sqrt(any_value(ratio) * sum(greatest(q90_units - final_units, 0)::double ** 2)) as above_90,
    sqrt(any_value(ratio) * sum(greatest(q95_units - final_units, 0)::double ** 2)) as above_95,
    max(cutoff_on) as cutoff_on
from matching
cross join together
where not is_history
group by bucket_on
order by bucket_on
"""  # noqa: S608

_ITEMS = """
with newest as (
    select
        count(distinct bucket_on) filter (where not is_history and bucket_on >= $from_on) as weeks,
        min(bucket_on) filter (where not is_history) as next_on
    from mart_forecast
    where freq = 'W'
)

select
    forecast.sku,
    any_value(product.name) as name,
    any_value(product.category) as category,
    sum(forecast.final_units) filter (
        where not forecast.is_history and forecast.bucket_on >= $from_on
    )::double as next_units,
    any_value(newest.weeks) as next_weeks,
    sum(forecast.observed_units) filter (
        where forecast.is_history and forecast.bucket_on >= newest.next_on - 7 * newest.weeks::integer
    )::double as last_units,
    any_value(forecast.method) filter (where not forecast.is_history) as method
from mart_forecast as forecast
cross join newest
left join dim_product as product on forecast.sku = product.sku and product.is_current
where
    forecast.freq = 'W'
    and forecast.channel_id = coalesce($channel, forecast.channel_id)
    and coalesce(product.category, '-') = coalesce($category, product.category, '-')
    and forecast.location_id = coalesce($place, forecast.location_id)
group by forecast.sku
having next_units is not null
order by next_units desc, forecast.sku
"""

_PLACES = "select distinct location_id from mart_forecast where location_id <> '*' order by location_id"

# The published method of the newest run at the level that is forecast, all classes together.
_SCORES = """
select
    horizon,
    is_at_lead_time as is_counted,
    avg(wape)::double as wape,
    avg(naive_wape)::double as naive_wape,
    avg(bias)::double as bias
from mart_forecast_accuracy
where is_published and is_newest and level = 'sku,channel_id,location_id' and class = '*'
group by horizon, is_at_lead_time
order by horizon
"""


def history(
    warehouse: Warehouse, *, channel: str | None, category: str | None, sku: str | None, place: str | None = None
) -> pl.DataFrame:
    """One row per past week: observed units of all matching series."""
    return warehouse.rows(_HISTORY, channel=channel, category=category, sku=sku, place=place)


def future(
    warehouse: Warehouse, *, channel: str | None, category: str | None, sku: str | None, place: str | None = None
) -> pl.DataFrame:
    """One row per week ahead: final_units, baseline_units and its parts, and the bounds q05, q10, q90, q95 of all
    matching series, never below zero.

    One series keeps its own quantiles; the distances of several add in squares, times the ratio seen in their history.
    Of many small series the inner quantiles say little (most are zero), so a sum's 80 % band is drawn from its 90 %
    band in the proportion of a normal distribution.
    """
    rows = warehouse.rows(_FUTURE, channel=channel, category=category, sku=sku, place=place)
    mean, is_one = pl.col("final_units"), pl.col("series") == 1
    inner_below = pl.when(is_one).then("below_10").otherwise(pl.col("below_05") * _INNER)
    inner_above = pl.when(is_one).then("above_90").otherwise(pl.col("above_95") * _INNER)
    return rows.with_columns(
        (mean - pl.col("below_05")).clip(0).alias("q05"),
        (mean - inner_below).clip(0).alias("q10"),
        (mean + inner_above).alias("q90"),
        (mean + pl.col("above_95")).alias("q95"),
    )


def items(
    warehouse: Warehouse, *, from_on: date, channel: str | None, category: str | None, place: str | None = None
) -> pl.DataFrame:
    """One row per sku: name, category, next_units of the next_weeks from `from_on`, last_units of as many past."""
    return warehouse.rows(_ITEMS, from_on=from_on, channel=channel, category=category, place=place)


@dataclass(frozen=True)
class Scored:
    """How well earlier forecasts did, and how the naive seasonal forecast would have done: 1 is perfect.

    `bias` is Σ(F − A) ÷ ΣA: above zero too much was forecast.
    """

    value: float
    benchmark: float | None
    bias: float | None


def accuracy_ahead(warehouse: Warehouse) -> list[float]:
    """Forecast accuracy by weeks ahead, the next week first; empty without scores."""
    return [max(0.0, 1 - wape) for wape in _scores(warehouse).filter(pl.col("horizon") > 0)["wape"]]


def accuracy(warehouse: Warehouse) -> Scored | None:
    """Forecast accuracy max(0, 1 − Σ|F − A| ÷ ΣA) of all series over the scored origins; None without scores.

    It is that of the forecast made as many weeks before as production needs.
    """
    counted = _scores(warehouse).filter("is_counted")
    if counted.is_empty():
        return None
    wape, benchmark, bias = counted.select("wape", "naive_wape", "bias").row(0)
    return Scored(max(0.0, 1 - wape), None if benchmark is None else max(0.0, 1 - benchmark), bias)


def _scores(warehouse: Warehouse) -> pl.DataFrame:
    return warehouse.rows(forecast.at_lead_time(warehouse, _SCORES)).filter(pl.col("wape").is_not_null())


def places(warehouse: Warehouse) -> list[str]:
    """The places that are forecast each for itself; none where all are forecast together."""
    return warehouse.rows(_PLACES)["location_id"].to_list()
