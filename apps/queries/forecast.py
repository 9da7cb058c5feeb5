"""What stands behind the forecast: what moved since the last one, how good its steps were, what people said."""

from __future__ import annotations

import polars as pl

from apps.queries.warehouse import Warehouse

STEPS = ("naive", "moving average", "statistical", "model", "promotion plan", "signals", "override")
PARTS = ("base", "season", "price", "promotion", "festival", "other")

_CHANGE = """
select
    max(changed.previous_cutoff_on) as previous_cutoff_on,
    count(distinct changed.bucket_on) as weeks,
    sum(changed.previous_units)::double as previous_units,
    sum(changed.baseline_units)::double as baseline_units,
    sum(changed.change_units)::double as change_units,
    sum(changed.base_change_units)::double as base,
    sum(changed.season_change_units)::double as season,
    sum(changed.price_change_units)::double as price,
    sum(changed.promotion_change_units)::double as promotion,
    sum(changed.festival_change_units)::double as festival,
    sum(changed.other_change_units)::double as other
from mart_forecast_change as changed
left join dim_product as product on changed.sku = product.sku and product.is_current
where
    changed.channel_id = coalesce($channel, changed.channel_id)
    and coalesce(product.category, '-') = coalesce($category, product.category, '-')
    and changed.sku = coalesce($sku, changed.sku)
    and changed.location_id = coalesce($place, changed.location_id)
having count(*) > 0
"""

_LADDER = """
select step, horizon, wape, bias, value_added_rate, is_published, level = 'override' as is_override
from mart_forecast_accuracy
where
    is_newest and class = '*'
    and (level = 'override' or (is_at_lead_time and level = 'sku,channel_id,location_id'))
"""

_OVER_TIME = """
select scored_on, step, wape::double as wape, naive_wape::double as naive_wape
from mart_forecast_accuracy
where
    is_published and is_at_lead_time and class = '*' and level = 'sku,channel_id,location_id' and wape is not null
order by scored_on
"""

_AHEAD = """
select horizon, wape::double as wape, naive_wape::double as naive_wape, bias::double as bias
from mart_forecast_accuracy
where is_published and is_newest and class = '*' and horizon > 0 and level = 'sku,channel_id,location_id'
order by horizon
"""

_ALARMS = """
select level, node, weeks, bias, tracking_signal, drift_ratio, is_biased, is_drifting
from mart_forecast_tracking
where is_biased or is_drifting
order by level, observed_units desc, node
"""

_TRACKED = (
    "select count(*) as nodes, coalesce(max(weeks), 0) as weeks from mart_forecast_tracking where level = 'series'"
)

_OVERRIDES = """
select
    override_id, bucket_on, sku, category, channel_id, location_id, state, baseline_units, new_units, observed_units,
    value_added_units, reason_code, note, author, approved_by, expires_at
from mart_forecast_override
order by state in ('judged', 'lapsed', 'expired'), bucket_on, override_id
"""


def change(
    warehouse: Warehouse, *, channel: str | None, category: str | None, sku: str | None, place: str | None
) -> dict[str, float] | None:
    """What moved between this forecast and the one before, over the weeks both have; None without one."""
    found = warehouse.rows(_CHANGE, channel=channel, category=category, sku=sku, place=place)
    return None if found.is_empty() else found.row(0, named=True)


def ladder(warehouse: Warehouse) -> pl.DataFrame:
    """One row per step of the newest run: step, horizon, wape, bias, value_added_rate, is_published, is_override."""
    return warehouse.rows(at_lead_time(warehouse, _LADDER))


def over_time(warehouse: Warehouse) -> pl.DataFrame:
    """One row per week with a run: scored_on, step, wape, naive_wape of what it published."""
    return warehouse.rows(at_lead_time(warehouse, _OVER_TIME))


def at_lead_time(warehouse: Warehouse, sql: str) -> str:
    """The query; of a version that does not tell the weeks ahead that production needs, of all weeks together."""
    is_told = warehouse.has_column("mart_forecast_accuracy", "is_at_lead_time")
    return sql if is_told else sql.replace("is_at_lead_time", "horizon = 0")


def ahead(warehouse: Warehouse) -> pl.DataFrame:
    """One row per weeks ahead of the newest run: horizon, wape, naive_wape, bias of what it published."""
    return warehouse.rows(_AHEAD)


def alarms(warehouse: Warehouse) -> pl.DataFrame:
    """One row per node whose errors keep their sign or grow; the whole first, then categories, then series."""
    return warehouse.rows(_ALARMS)


def tracked(warehouse: Warehouse) -> tuple[int, int]:
    """How many series have a forecast that was overtaken by what came, and over how many weeks at most."""
    found = warehouse.rows(_TRACKED).row(0)
    return int(found[0]), int(found[1])


def overrides(warehouse: Warehouse) -> pl.DataFrame:
    """One row per override and week, what still matters first."""
    return warehouse.rows(_OVERRIDES)
