"""Demand: what will be asked of us in the weeks ahead, and how sure are we?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from apps import format as write
from apps.components import blocks, charts_supply, filters, frame, tables
from apps.components.cards import Card, of, row
from apps.components.filters import Choice
from apps.components.view import View
from apps.i18n import Words
from apps.operations import demand_accuracy, demand_overrides, demand_why
from apps.queries import demand, forecast
from tillmill.actions import Scope

_HISTORY_WEEKS = 26
_PARTS = {"0.25": "¼", "0.50": "½", "0.75": "¾"}


_NEEDS = (
    "mart_forecast",
    "dim_product",
    "mart_forecast_accuracy",
    "mart_forecast_change",
    "mart_forecast_override",
    "mart_forecast_tracking",
)


@frame.page("demand", needs=_NEEDS)
def page(view: View, export: DeltaGenerator) -> None:
    """Draws the page for the level (category or sku), channel and place of the URL."""
    shared = [*filters.standard(view, "channel", "product"), *_place_choice(view)]
    codes = {choice.name: filters.allowed(choice.name, choice.codes, filters.ALL) for choice in shared}
    channel, category, place = (
        None if codes.get(name, filters.ALL) == filters.ALL else codes[name]
        for name in ("channel", "product", "location")
    )
    from_on = write.monday(view.today) + timedelta(weeks=1)
    items = demand.items(view.warehouse, from_on=from_on, channel=channel, category=category, place=place)
    chosen = filters.row(view, [*shared, _item_choice(view, items)])
    level = {"channel": channel, "category": category, "sku": chosen["sku"], "place": place}
    past = demand.history(view.warehouse, **level)
    ahead = demand.future(view.warehouse, **level)
    if items.is_empty() and channel is None and category is None:
        frame.empty(view.words, "empty.demand")
        return
    # The running week is drawn, but what is asked of us begins with the next one.
    coming = ahead.filter(pl.col("bucket_on") >= from_on)
    if coming.is_empty():
        frame.finding(view.words("demand.finding.none"))
    else:
        frame.finding(finding(view, past, coming))
        row(view, figures(view, past, coming))
    if not ahead.is_empty() and (ahead["final_units"].sum() or past["units"].sum()):
        _chart(view, past, ahead)
    if not coming.is_empty():
        _behind(view, coming, forecast.change(view.warehouse, **level))
    _items(view, export, items)
    if not coming.is_empty():
        demand_overrides.section(view, coming, _scope(level))


def _behind(view: View, coming: pl.DataFrame, changed: dict[str, float] | None) -> None:
    """Why, and how good: side by side where there is something to draw on both sides."""
    if demand_why.moving(coming):
        why, worth = st.columns(2, gap="small")
        with why:
            demand_why.draw(view, coming, changed)
        with worth:
            demand_accuracy.draw(view, is_wide=False)
    else:
        demand_why.draw(view, coming, changed)
        demand_accuracy.draw(view, is_wide=True)
    demand_accuracy.alarms(view)


def _scope(level: dict[str, str | None]) -> Scope:
    """What the filters name; an item needs no category beside it."""
    sku = level["sku"] or "*"
    category = "*" if level["sku"] else level["category"] or "*"
    return Scope(sku, category, level["channel"] or "*", level["place"] or "*")


def _items(view: View, export: DeltaGenerator, items: pl.DataFrame) -> None:
    """The table of items, the largest forecast first, and its export."""
    listed = items.with_columns((pl.col("next_units") - pl.col("last_units")).alias("moved"), _rate().alias("rate"))
    columns = _columns(view, int(items["next_weeks"].max() or 0))  # type: ignore[arg-type]
    shown = listed.with_columns(filters.address(view, "demand", "sku").alias("address"))
    # The rate says it; beside units of both times the difference would push the method out of a narrow page.
    seen = [column for column in columns if column.field != "moved"]
    tables.table(
        view,
        shown,
        seen,
        title=view.words("demand.table"),
        key="items",
        totals=_whole(listed),
        link="address",
        is_exported=True,
    )
    tables.export(view, export, listed, columns, name="demand")


def finding(view: View, past: pl.DataFrame, ahead: pl.DataFrame) -> str:
    """One sentence: units of the weeks ahead, against as many weeks just past, and the highest week."""
    words = view.words
    units, weeks = float(ahead["final_units"].sum()), ahead.height
    if not units:
        return words("demand.finding.nothing", weeks=weeks)
    peak = ahead.sort("final_units", descending=True).row(0, named=True)
    said = {
        "units": write.plain(view.short(units)),
        "weeks": weeks,
        "peak": write.plain(view.day_short(peak["bucket_on"])),
        "peak_units": write.plain(view.short(peak["final_units"])),
    }
    moved = write.change(units, _recent(past, weeks))
    if moved.direction in ("none", "flat"):
        return words(f"demand.finding.{moved.direction}ly", **said)
    return words(f"demand.finding.{moved.direction}", **said, change=write.plain(moved.text.lstrip(f"+{write.MINUS}")))


def figures(view: View, past: pl.DataFrame, ahead: pl.DataFrame) -> list[Card]:
    """Forecast units, next week, the width of its 80 % band, and the accuracy of earlier forecasts where scored."""
    words = view.words
    units, weeks, first = float(ahead["final_units"].sum()), ahead.height, ahead.row(0, named=True)
    width = (first["q90"] - first["q10"]) / 2 / first["final_units"] if first["final_units"] else None
    last = float(past["units"].tail(1).sum()) if past.height else None
    cards = [
        Card(
            words("demand.units", weeks=weeks),
            view.short(units),
            write.change(units, _recent(past, weeks)),
            "",
            words("demand.units_note", weeks=weeks),
            ahead["final_units"].to_list(),
        ),
        Card(
            words("demand.next"),
            view.short(first["final_units"]),
            write.change(first["final_units"], last),
            "",
            words("demand.next_note"),
            past["units"].tail(13).to_list(),
            words("explain.next", day=view.day(first["bucket_on"])),
        ),
        Card(
            words("demand.width"),
            f"± {write.percent(width, 0)}" if width is not None else write.NONE,
            note=words("demand.width_note"),
            course=((ahead["q90"] - ahead["q10"]) / 2 / ahead["final_units"]).fill_nan(None).to_list(),
            explained=words("explain.width"),
        ),
    ]
    scored = demand.accuracy(view.warehouse)
    if scored is not None:
        known = []
        if scored.benchmark is not None:
            known.append(words("demand.accuracy_note", benchmark=write.percent(scored.benchmark)))
        if scored.bias is not None:
            known.append(f"{view.metric('forecast_bias').name} {write.signed_percent(scored.bias)}")
        cards.append(
            of(
                view,
                "forecast_accuracy",
                scored.value,
                note=" · ".join(known),
                course=demand.accuracy_ahead(view.warehouse),
            )
        )
    return cards


def _chart(view: View, past: pl.DataFrame, ahead: pl.DataFrame) -> None:
    words = view.words
    rows = [_observed(view, found) for found in past.tail(_HISTORY_WEEKS).iter_rows(named=True)]
    rows += [_expected(view, found) for found in ahead.iter_rows(named=True)]
    if past.height and ahead.height:
        # The forecast line starts where the observed one ends, so that the eye sees one course.
        seam = rows[min(past.height, _HISTORY_WEEKS) - 1]
        seam |= {"mean": seam["observed"]} | dict.fromkeys(("q05", "q10", "q90", "q95"), seam["observed"])
    cutoff = past["bucket_on"].max() if past.height else None
    spec = charts_supply.forecast(
        view.colours,
        view.language,
        rows,
        cutoff=cutoff.isoformat() if cutoff is not None else None,  # type: ignore[union-attr]
        cutoff_label=words("demand.cutoff", day=view.day_short(ahead["cutoff_on"][0])),
        band_labels=(words("demand.band_80"), words("demand.band_90")),
        tips=(
            ("tip_week", words("term.week")),
            ("tip_units", words("term.units")),
            ("tip_band", words("demand.band_tip")),
        ),
    )
    several = int(ahead["series"].max() or 1)  # type: ignore[arg-type]
    note = (
        words("demand.chart_note_many", series=write.exact(several)) if several > 1 else words("demand.chart_note_one")
    )
    blocks.figure(spec, title=words("demand.chart"), alt=words("demand.chart_alt"), key="forecast", note=note)


def _observed(view: View, found: dict[str, Any]) -> dict[str, Any]:
    return {
        "week_on": found["bucket_on"].isoformat(),
        "observed": found["units"],
        "level": found["units"],
        "tip_week": view.words("chart.week_of", day=view.day(found["bucket_on"])),
        "tip_units": view.words("demand.tip_observed", units=write.exact(found["units"])),
        "tip_band": write.NONE,
    }


def _expected(view: View, found: dict[str, Any]) -> dict[str, Any]:
    return {
        "week_on": found["bucket_on"].isoformat(),
        "mean": found["final_units"],
        "level": found["final_units"],
        "baseline": found["baseline_units"] if found["overridden"] else None,
        **{name: found[name] for name in ("q05", "q10", "q90", "q95")},
        "tip_week": view.words("chart.week_of", day=view.day(found["bucket_on"])),
        "tip_units": view.words(
            "demand.tip_overridden" if found["overridden"] else "demand.tip_forecast",
            units=write.exact(found["final_units"]),
            baseline=write.exact(found["baseline_units"]),
        ),
        "tip_band": view.words("unit.interval", low=write.exact(found["q10"]), high=write.exact(found["q90"])),
    }


def _item_choice(view: View, items: pl.DataFrame) -> Choice:
    names = {sku: f"{view.item(name or sku)} · {sku}" for sku, name in items.select("sku", "name").iter_rows()}

    def label(code: str) -> str:
        return view.words("filter.all.sku") if code == filters.ALL else names.get(code, code)

    return Choice("sku", [filters.ALL, *names], label, ":material/package_2:")


def _place_choice(view: View) -> list[Choice]:
    """The places that are forecast each for itself, where there are any."""
    places = demand.places(view.warehouse)
    if not places:
        return []
    words = {filters.ALL: view.words("filter.all.location")}
    return [
        Choice(
            "location", [filters.ALL, *places], lambda code: words.get(code, write.name(code)), ":material/location_on:"
        )
    ]


def _recent(past: pl.DataFrame, weeks: int) -> float | None:
    return float(past["units"].tail(weeks).sum()) if past.height >= weeks else None


def _whole(items: pl.DataFrame) -> dict[str, float | None]:
    ahead, past = float(items["next_units"].sum() or 0), float(items["last_units"].sum() or 0)
    return {
        "next_units": ahead,
        "last_units": past,
        "moved": ahead - past,
        "rate": ahead / past - 1 if past > 0 else None,
    }


def _rate() -> pl.Expr:
    return pl.when(pl.col("last_units") > 0).then(pl.col("next_units") / pl.col("last_units") - 1)


def method(words: Words, text: str) -> str:
    """The forecast's method in the reader's words; a part without a word is shown as it is."""
    parts = [part.partition(" ") if part[:1].isdigit() else ("", "", part) for part in text.split(" + ")]
    return " + ".join(f"{_PARTS.get(weight, weight)} {words.code('method', name)}".strip() for weight, _, name in parts)


def _columns(view: View, weeks: int) -> list[tables.Column]:
    words = view.words
    return [
        tables.Column("name", words("term.product"), view.item, width=220),
        tables.Column("sku", words("term.sku")),
        tables.Column("next_units", words("demand.next_units", weeks=weeks), write.exact),
        tables.Column("last_units", words("demand.last_units", weeks=weeks), write.exact),
        tables.Column("moved", words("term.change_units"), lambda value: write.signed(write.exact(value))),
        tables.Column("rate", words("term.change"), write.signed_percent),
        tables.Column("category", words("term.category"), view.category, width=150),
        tables.Column("method", words("term.method"), lambda text: method(words, text)),
    ]
