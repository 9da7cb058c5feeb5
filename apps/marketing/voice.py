"""Voice of customer: what do people say of the products, and does anything turn?"""

from __future__ import annotations

import json

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from apps import format as write
from apps.components import blocks, cards, charts, filters, frame, tables
from apps.components.cards import Card, row
from apps.components.view import View
from apps.queries import voice
from apps.queries.scope import Scope

_MOODS = ("bad", "neutral", "good", "unknown")
_THEMES = 7


@frame.page("voice", needs=("mart_voice_post", "mart_voice_alarm", "dim_product", "fct_sales_line"))
def page(view: View, export: DeltaGenerator) -> None:
    """Draws the page for the span and filters of the URL."""
    found = voice.choices(view.warehouse)
    choices = [
        filters.coded(view, name, found.filter(pl.col("name") == name)["code"].to_list(), icon)
        for name, icon in (("theme", ":material/topic:"), ("mood", ":material/mood:"))
    ]
    chosen = filters.row(view, [filters.period(view), *filters.standard(view, "product"), *choices])
    scope, theme = filters.scope(view, chosen), chosen["theme"]
    weeks = voice.weekly(view.warehouse, scope, theme)
    before = voice.weekly(view.warehouse, scope.before(), theme)
    alarms = voice.alarms(view.warehouse, scope, theme)
    themes = voice.themes(view.warehouse, scope)
    frame.finding(finding(view, weeks, themes, alarms))
    row(view, figures(view, scope, weeks, before, alarms))
    left, right = st.columns([2, 1], gap="small")
    with left:
        _weeks_chart(view, scope, weeks)
    with right:
        _themes_chart(view, themes)
    if not alarms.is_empty():
        _alarms_table(view, alarms)
    listed = _listed(view, voice.posts(view.warehouse, scope, theme, chosen["mood"]))
    columns = _columns(view)
    tables.table(view, listed, columns, title=view.words("voice.table"), key="posts", is_exported=True)
    more = (("language", "filter.language"), ("platform", "term.source"))
    extra = [tables.Column(field, view.words(key)) for field, key in more]
    extra.append(tables.Column("score", view.metric("sentiment").name))
    tables.export(view, export, listed, [*columns, *extra], name="voice")


def finding(view: View, weeks: pl.DataFrame, themes: pl.DataFrame, alarms: pl.DataFrame) -> str:
    """One sentence: how many posts, how many of them bad, what about, and the newest alarm."""
    words = view.words
    posts = int(weeks["posts"].sum())
    if not posts:
        return words("voice.finding.none")
    bad = int(weeks.filter(pl.col("mood") == "bad")["posts"].sum())
    said = {"posts": write.exact(posts), "bad": write.percent(bad / posts, 0)}
    worst = themes.filter(pl.col("complaints") > 0).head(1)
    if worst.is_empty():
        return words("voice.finding.fine", **said)
    said |= {
        "theme": write.plain(words.code("theme", worst["theme"].item())),
        "complaints": write.exact(worst["complaints"].item()),
    }
    if alarms.is_empty():
        return words("voice.finding.quiet", **said)
    last = alarms.row(0, named=True)
    said |= {
        "day": view.day(last["alarm_on"]),
        "turned": write.plain(words.code("theme", last["theme"])),
        "scope": write.plain(_scope(view, last)),
        "found": write.exact(last["complaints"]),
        "expected": write.exact(last["expected_complaints"], 1),
    }
    return words("voice.finding.alarm", **said)


def figures(view: View, scope: Scope, weeks: pl.DataFrame, before: pl.DataFrame, alarms: pl.DataFrame) -> list[Card]:
    """Posts, their mean score, the share of bad ones, and alarms, against the span before."""
    words = view.words
    note = words("card.before", weeks=scope.weeks)
    now, then = _summary(weeks), _summary(before)
    course = (
        pl.DataFrame({"week_on": scope.week_starts()}).join(_by_week(weeks), on="week_on", how="left").sort("week_on")
    )
    return [
        cards.of(
            view,
            "posts",
            now["posts"],
            write.change(now["posts"], then["posts"]),
            "",
            note,
            course["posts"].fill_null(0).to_list(),
        ),
        cards.of(
            view,
            "sentiment",
            now["score"],
            note=words("voice.score_note"),
            course=[None if value is None else value + 1 for value in course["score"].to_list()],
        ),
        cards.of(
            view,
            "bad_share",
            now["bad_share"],
            write.points(now["bad_share"], then["bad_share"], words("unit.points")),
            "bad",
            words("card.before_short"),
            course["bad_share"].to_list(),
        ),
        cards.of(view, "voice_alarms", alarms.height, note=words("voice.alarms_note")),
    ]


def _by_week(weeks: pl.DataFrame) -> pl.DataFrame:
    bad = pl.col("posts").filter(pl.col("mood") == "bad").sum()
    return weeks.group_by("week_on").agg(
        pl.col("posts").sum(),
        score=pl.col("scores").sum() / pl.col("read_posts").sum(),
        bad_share=bad / pl.col("posts").sum(),
    )


def _summary(weeks: pl.DataFrame) -> dict[str, float | None]:
    posts, read = float(weeks["posts"].sum()), float(weeks["read_posts"].sum())
    bad = float(weeks.filter(pl.col("mood") == "bad")["posts"].sum())
    return {
        "posts": posts,
        "score": float(weeks["scores"].sum()) / read if read else None,
        "bad_share": bad / posts if posts else None,
    }


def _weeks_chart(view: View, scope: Scope, weeks: pl.DataFrame) -> None:
    words, colours = view.words, view.colours
    present = [mood for mood in _MOODS if mood in set(weeks["mood"])]
    tone = {"bad": colours.bad, "neutral": colours.grey, "good": colours.good, "unknown": colours.grey_soft}
    known = {(found["week_on"], found["mood"]): found["posts"] for found in weeks.iter_rows(named=True)}
    rows = [
        {
            "week_on": week.isoformat(),
            "part": words.code("mood", mood),
            "rank": rank,
            "value": known.get((week, mood), 0),
            "tip_week": words("chart.week_of", day=view.day(week)),
            "tip_value": write.exact(known.get((week, mood), 0)),
        }
        for week in scope.week_starts()
        for rank, mood in enumerate(present)
    ]
    spec = charts.stacked_weeks(
        colours,
        view.language,
        rows,
        order=[words.code("mood", mood) for mood in present],
        palette=[tone[mood] for mood in present],
        tips=(
            ("tip_week", words("term.week")),
            ("part", words("voice.mood")),
            ("tip_value", view.metric("posts").name),
        ),
    )
    blocks.figure(spec, title=words("voice.chart_weeks"), alt=words("voice.chart_weeks_alt"), key="moods")


def _themes_chart(view: View, themes: pl.DataFrame) -> None:
    words = view.words
    shown = themes.filter(pl.col("complaints") > 0).head(_THEMES)
    rows = [
        {
            "name": words.code("theme", found["theme"]),
            "value": found["complaints"],
            "text": words("unit.of", part=write.exact(found["complaints"]), whole=write.exact(found["posts"])),
            "colour": view.colours.bad,
            "tip": write.percent(found["complaints"] / found["posts"]),
        }
        for found in shown.iter_rows(named=True)
    ]
    spec = charts.ranked_bars(
        view.colours, rows, labels=(words("voice.theme"), view.metric("bad_share").name), tips=("name", "tip")
    )
    blocks.figure(spec, title=words("voice.chart_themes"), alt=words("voice.chart_themes_alt"), key="themes")


def _alarms_table(view: View, alarms: pl.DataFrame) -> None:
    words = view.words
    listed = alarms.with_columns(
        pl.Series("about", [_scope(view, found) for found in alarms.iter_rows(named=True)], dtype=pl.String),
        pl.Series("theme_word", [words.code("theme", code) for code in alarms["theme"]], dtype=pl.String),
    )
    columns = [
        tables.Column("alarm_on", words("term.day"), view.day),
        tables.Column("theme_word", words("voice.theme"), tone=lambda _: "bad"),
        tables.Column("about", words("voice.about"), width=260),
        tables.Column("complaints", words("voice.complaints"), write.exact, help=words("explain.voice_complaints")),
        tables.Column("expected_complaints", words("voice.expected"), lambda value: write.exact(value, 1)),
        tables.Column("posts", view.metric("posts").name, write.exact),
    ]
    tables.table(view, listed, columns, title=words("voice.table_alarms"), key="alarms", seen=5)


def _scope(view: View, alarm: dict[str, str]) -> str:
    if alarm["scope_kind"] == "brand":
        return view.words("voice.brand")
    return view.category(alarm["scope"]) if alarm["scope_kind"] == "category" else view.item(alarm["scope"])


def _listed(view: View, posts: pl.DataFrame) -> pl.DataFrame:
    words = view.words
    about = [", ".join(words.code("theme", code) for code in json.loads(found or "[]")) for found in posts["themes"]]
    return posts.with_columns(
        pl.Series("mood_word", [words.code("mood", code) for code in posts["mood"]], dtype=pl.String),
        pl.Series("theme_words", about, dtype=pl.String),
    )


def _columns(view: View) -> list[tables.Column]:
    words = view.words
    tones = {words("mood.good"): "good", words("mood.bad"): "bad"}
    return [
        tables.Column("posted_on", words("term.day"), view.day),
        tables.Column("mood_word", words("voice.mood"), tone=lambda value: tones.get(value, "quiet")),
        tables.Column("text", words("voice.text"), width=400),
        tables.Column("theme_words", words("voice.themes"), width=190),
        tables.Column("product", words("term.product"), view.item, width=170),
        tables.Column("reach", view.metric("reach").name, write.exact, help=view.metric("reach").meaning),
    ]
