"""What people say, in the warehouse: counted once, on the brand's day, with an alarm when a complaint turns up."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from customers.voice.themes import THEMES
from tests.dbt_project import brand
from tests.dbt_project.conftest import Warehouse
from tests.dbt_project.lake import at, day

DAYS = 300
FIRST = at("2016-03-21T15:00")
CATEGORIES = ("Milk", "Bread", "Cheese", "Cream")
COMPLAINS = {"taste": 0.05, "packaging": 0.03, "price": 0.02, "delivery": 0.02}  # shares of posts, always the same
BURST_FROM, BURST_SHARE = 280, 0.3


def post(number: int, when: Any, sku: str, label: str, themes: list[str], **more: Any) -> tuple[dict[str, Any], ...]:
    """A post of the network and how it was read."""
    key = {"platform": "net", "post_id": f"P{number}"}
    score = {"good": 0.9, "neutral": 0.0, "bad": -0.9, "unknown": None}[label]
    said = {**key, "posted_at": when, "text": "…", "sku_hint": sku, "observed_at": when, **more}
    read = {**key, "model_version": "m", "score": score, "label": label, "language": "en", "sku": sku}
    return said, {**read, "themes": json.dumps(themes), "observed_at": when}


def land(warehouse: Warehouse, posts: list[tuple[dict[str, Any], ...]]) -> None:
    lake = warehouse.fresh()
    items = [brand._item(f"{name}-{number}", 1.0) | {"category": name} for name in CATEGORIES for number in (1, 2)]
    lake.land("erp.items", items)
    lake.land("social.posts", [said for said, _ in posts])
    lake.land("social.sentiment", [read for _, read in posts], source="tillmill")


def stationary(seed: int) -> list[tuple[dict[str, Any], ...]]:
    """Three posts a day on each category, complaining at the same rate for ever, and of stale milk at last."""
    luck = np.random.default_rng(seed)
    posts = []
    for name in CATEGORIES:
        for on in range(DAYS):
            for _ in range(luck.poisson(3)):
                themes = [theme for theme, share in COMPLAINS.items() if luck.random() < share]
                if name == "Milk" and on >= BURST_FROM and luck.random() < BURST_SHARE:
                    themes = ["freshness"]
                sku = f"{name}-{luck.integers(1, 3)}"
                when = FIRST + timedelta(days=on)
                posts.append(post(len(posts), when, sku, "bad" if themes else "good", themes or ["taste"]))
    return posts


@pytest.fixture(scope="module")
def few(warehouse: Warehouse) -> Warehouse:
    """Three posts about one day, read and told again, and one post on every theme."""
    late = at("2017-01-05T04:30")  # still the 4th in New York
    posts = [
        post(1, late, "Milk-1", "bad", ["taste", "price"], likes=4, shares=1),
        post(2, late, "-", "unknown", []),
        post(3, late, "Milk-1", "good", ["taste"]),
        *(post(10 + number, FIRST, "Bread-1", "bad", [theme]) for number, theme in enumerate(THEMES)),
    ]
    land(warehouse, posts)
    again = {**posts[2][1], "model_version": "n", "label": "neutral", "score": 0.1}
    warehouse.lake.land("social.sentiment", [again | {"observed_at": late + timedelta(days=1)}], source="tillmill")
    # The network tells a post again, with the likes it has by then.
    warehouse.lake.land("social.posts", [{**posts[0][0], "likes": 9, "observed_at": late + timedelta(days=7)}])
    warehouse.build("pass_a", "pass_b", "pass_c")
    return warehouse


def test_the_warehouse_knows_the_themes_that_posts_are_read_for(few: Warehouse) -> None:
    assert {row[0] for row in few.rows("select theme from int_voice_themes")} == set(THEMES)


def test_a_post_counts_once_on_the_brands_day_by_its_last_reading(few: Warehouse) -> None:
    assert few.rows(
        "select sku, said_on, posts, reach, good_posts, neutral_posts, bad_posts, unread_posts, themes "
        "from mart_social_voice where sku <> 'Bread-1' order by sku"
    ) == [
        ("-", day("2017-01-04"), 1, 1, 0, 0, 0, 1, ""),
        ("Milk-1", day("2017-01-04"), 2, 12, 0, 1, 1, 0, "price,taste"),
    ]
    ((sentiment,),) = few.rows("select sentiment from mart_social_voice where sku = 'Milk-1'")
    assert sentiment == pytest.approx((-0.9 + 0.1) / 2)


@pytest.mark.slow
def test_a_sudden_complaint_alarms_within_days_and_what_is_usual_hardly_ever(warehouse: Warehouse) -> None:
    """The promise of docs/voice.md: a false alarm less than once in two years and scope, on this file's simulation."""
    land(warehouse, stationary(7))
    warehouse.build("pass_a", "pass_b", "pass_c")
    begins = (FIRST + timedelta(days=BURST_FROM)).date()
    ((told_on,),) = warehouse.rows(
        "select min(alarm_on) from mart_voice_alarm where is_new and theme = 'freshness' and scope = 'Milk'"
    )
    assert begins <= told_on <= begins + timedelta(days=6)
    ((days, of_milk),) = warehouse.rows(
        "select count(*), count(*) filter (where category = 'Milk') from mart_social_voice "
        "where alarm_themes like '%freshness%'"
    )
    assert days == of_milk > 0
    ((alarms, watched),) = warehouse.rows(
        "select count(*) filter (where is_new), count(*) from mart_voice_alarm where theme <> 'freshness'"
    )
    assert watched > 200  # so that silence is no accident
    scope_years = (1 + len(CATEGORIES) + 2 * len(CATEGORIES)) * (DAYS - 35) / 365
    assert alarms / scope_years < 0.5
