"""What people say of the products: posts by week and mood, what they complain of, alarms, and the posts themselves."""

from __future__ import annotations

from datetime import date

import polars as pl

from apps.queries.scope import Scope
from apps.queries.warehouse import Warehouse

_HEARD = """
with heard as (
    select post.*, product.name, from_json(post.themes, '["varchar"]') as about
    from mart_voice_post as post
    left join dim_product as product on post.sku = product.sku and product.is_current
    where
        post.posted_on >= $start_on and post.posted_on < $end_on
        and post.category = coalesce($category, post.category)
        and ($theme is null or list_contains(from_json(post.themes, '["varchar"]'), $theme))
)
"""

_WEEKLY = f"""
{_HEARD}
select
    date_trunc('week', posted_on)::date as week_on,
    label as mood,
    count(*) as posts,
    sum(reach)::double as reach,
    sum(score) as scores,
    count(score) as read_posts
from heard
group by all
order by week_on, mood
"""  # noqa: S608  (a fixed text joined to a fixed text)

_THEMES = f"""
{_HEARD},

touched as (select unnest(about) as theme, label from heard)

select theme, count(*) as posts, count(*) filter (where label = 'bad') as complaints
from touched
group by theme
order by complaints desc, posts desc, theme
"""  # noqa: S608

_POSTS = f"""
{_HEARD}
select posted_on, label as mood, score, themes, coalesce(name, sku) as product, text, reach, platform, language, post_id
from heard
where label = coalesce($mood, label)
order by posted_on desc, reach desc, platform, post_id
"""  # noqa: S608

_ALARMS = """
select
    alarm.alarm_on,
    alarm.scope_kind,
    case when alarm.scope_kind = 'sku' then coalesce(product.name, alarm.scope) else alarm.scope end as scope,
    alarm.theme,
    alarm.complaints,
    alarm.posts,
    alarm.expected_complaints
from mart_voice_alarm as alarm
left join dim_product as product on alarm.scope_kind = 'sku' and alarm.scope = product.sku and product.is_current
where
    alarm.is_new
    and alarm.alarm_on >= $start_on and alarm.alarm_on < $end_on
    and alarm.theme = coalesce($theme, alarm.theme)
    and (
        $category is null
        or (alarm.scope_kind = 'category' and alarm.scope = $category)
        or (alarm.scope_kind = 'sku' and product.category = $category)
    )
order by alarm.alarm_on desc, alarm.excess desc, alarm.scope_kind, alarm.scope, alarm.theme
"""

_CHOICES = """
with touched as (select unnest(from_json(themes, '["varchar"]')) as theme from mart_voice_post)

select 'mood' as name, label as code, count(*) as weight from mart_voice_post group by all
union all
select 'theme', theme, count(*) from touched group by all
order by name, weight desc, code
"""


def weekly(warehouse: Warehouse, scope: Scope, theme: str | None) -> pl.DataFrame:
    """week_on, mood, posts, reach, scores (their sum) and read_posts (how many have one)."""
    return warehouse.rows(_WEEKLY, **_said(scope, theme))


def themes(warehouse: Warehouse, scope: Scope) -> pl.DataFrame:
    """theme, posts, complaints of the span, most complained of first."""
    return warehouse.rows(_THEMES, **_said(scope, None))


def alarms(warehouse: Warehouse, scope: Scope, theme: str | None) -> pl.DataFrame:
    """Alarms of the span that are the first of their kind within a week, the newest first."""
    return warehouse.rows(_ALARMS, **_said(scope, theme))


def posts(warehouse: Warehouse, scope: Scope, theme: str | None, mood: str | None) -> pl.DataFrame:
    """The posts of the span, the newest first; phones and e-mails in them are masked since they landed."""
    return warehouse.rows(_POSTS, **_said(scope, theme), mood=mood)


def choices(warehouse: Warehouse) -> pl.DataFrame:
    """The moods and themes there are: name, code, weight (posts)."""
    return warehouse.rows(_CHOICES)


def _said(scope: Scope, theme: str | None) -> dict[str, str | date | None]:
    return {"start_on": scope.start_on, "end_on": scope.end_on, "category": scope.category, "theme": theme}
