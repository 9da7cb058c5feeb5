"""Promotion verdicts: every run with its measured effect, or the reason why it could not be measured."""

from __future__ import annotations

import polars as pl

from apps.queries.warehouse import Warehouse

# Whether an effect is more than chance is what its interval says.
_JUDGED = """
select
    *,
    case
        when incremental_units is null or verdict = 'not measurable' then 'not_measurable'
        when low_units > 0 then 'lifted'
        when high_units < 0 then 'cut'
        else 'unclear'
    end as state
from mart_promotion
"""

_RUNS = f"""
with promotion as ({_JUDGED})

select
    promotion.promotion_id,
    promotion.sku,
    product.name,
    product.category,
    promotion.channel_id,
    promotion.kind,
    promotion.starts_on,
    promotion.ends_on,
    promotion.treated_stores::bigint as treated_stores,
    promotion.treated_units::double as treated_units,
    promotion.baseline_units::double as baseline_units,
    promotion.incremental_units::double as incremental_units,
    promotion.low_units::double as low_units,
    promotion.high_units::double as high_units,
    promotion.lift_rate::double as lift_rate,
    promotion.margin_amount::double as margin_amount,
    promotion.roi::double as roi,
    promotion.state,
    promotion.why
from promotion
left join dim_product as product on promotion.sku = product.sku and product.is_current
where
    promotion.kind = coalesce($kind, promotion.kind)
    and promotion.state = coalesce($verdict, promotion.state)
    and coalesce(product.category, '-') = coalesce($category, product.category, '-')
order by promotion.incremental_units desc nulls last, promotion.treated_units desc, promotion.promotion_id
"""  # noqa: S608  (a fixed text joined to a fixed text)

_CHOICES = f"""
with promotion as ({_JUDGED})

select 'kind' as name, kind as code, count(*) as weight from promotion group by all
union all
select 'verdict', state, count(*) from promotion group by all
order by name, weight desc, code
"""  # noqa: S608


def runs(warehouse: Warehouse, *, kind: str | None, verdict: str | None, category: str | None) -> pl.DataFrame:
    """One row per promotion run: product, dates, stores, units with interval, margin, roi, state, why.

    state: lifted, cut, unclear or not_measurable.
    """
    return warehouse.rows(_RUNS, kind=kind, verdict=verdict, category=category)


def choices(warehouse: Warehouse) -> pl.DataFrame:
    """The kinds and states (as verdict) there are: name, code, weight (runs)."""
    return warehouse.rows(_CHOICES)
