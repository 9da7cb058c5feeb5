"""Promotions: which ones really sold more, which did not, and which cannot be told?"""

from __future__ import annotations

import math

import polars as pl
from streamlit.delta_generator import DeltaGenerator

from apps import format as write
from apps.components import blocks, cards, charts_supply, filters, frame, tables
from apps.components.cards import Card, row
from apps.components.reasons import reason
from apps.components.view import View
from apps.marketing import presales
from apps.queries import promotions

_SHOWN = 12
# The intervals hold 90 %: without any effect one run in twenty lies wholly above zero, one wholly below.
_BEYOND_BY_CHANCE = 0.05


@frame.page("promotions", needs=("mart_promotion", "dim_product"))
def page(view: View, export: DeltaGenerator) -> None:
    """Draws the page for the filters of the URL."""
    found = promotions.choices(view.warehouse)
    choices = [
        filters.coded(view, name, found.filter(pl.col("name") == name)["code"].to_list(), icon)
        for name, icon in (("verdict", ":material/gavel:"), ("kind", ":material/sell:"))
    ]
    chosen = filters.row(view, [*filters.standard(view, "product"), *choices])
    runs = promotions.runs(
        view.warehouse, kind=chosen["kind"], verdict=chosen["verdict"], category=chosen.get("product")
    )
    measured = runs.filter(pl.col("state") != "not_measurable")
    frame.finding(finding(view, runs, measured))
    row(view, figures(view, runs, measured))
    if not measured.is_empty():
        _chart(view, measured)
    listed = _listed(view, runs)
    columns = _columns(view, has_roi=measured["roi"].is_not_null().any())
    tables.table(view, listed, columns, title=view.words("promotions.table"), key="runs", is_exported=True)
    # Deposits are paid on orders, which hold goods of several categories.
    if chosen.get("product") is None:
        presales.section(view)
    more = (("sku", "term.sku"), ("ends_on", "term.ends"), ("low_units", "term.low"), ("high_units", "term.high"))
    extra = [tables.Column(field, view.words(key)) for field, key in more]
    tables.export(view, export, listed, [*columns, *extra], name="promotions")


def finding(view: View, runs: pl.DataFrame, measured: pl.DataFrame) -> str:
    """One sentence: how many could be measured, and how many clearly sold more."""
    words = view.words
    said = {"runs": write.exact(runs.height), "measured": write.exact(measured.height)}
    if measured.is_empty():
        return words("promotions.finding.none", **said)
    said |= {
        "lifted": write.exact(measured.filter(pl.col("state") == "lifted").height),
        "cut": write.exact(measured.filter(pl.col("state") == "cut").height),
        "units": write.plain(write.signed(view.short(measured["incremental_units"].sum()))),
        "spread": write.plain(view.short(_spread(measured))),
    }
    return words("promotions.finding.some", **said)


def figures(view: View, runs: pl.DataFrame, measured: pl.DataFrame) -> list[Card]:
    """Runs measured, clear lifts, incremental units with their interval, and what they earned."""
    words = view.words
    lifted, cut = measured.filter(pl.col("state") == "lifted"), measured.filter(pl.col("state") == "cut")
    units = measured["incremental_units"].sum() if measured.height else None
    spread = _spread(measured)
    by_chance = measured.height * _BEYOND_BY_CHANCE
    margin = measured["margin_amount"].sum() if measured["margin_amount"].is_not_null().any() else None
    share = measured.height / runs.height if runs.height else None
    return [
        cards.of(
            view,
            "measured_promotions",
            measured.height,
            note=words("promotions.measured_note", runs=write.exact(runs.height), share=write.percent(share)),
        ),
        cards.of(
            view,
            "lifted_promotions",
            lifted.height,
            note=words("promotions.lifted_note", cut=write.exact(cut.height), chance=write.exact(by_chance)),
        ),
        cards.of(
            view,
            "incremental_units",
            units,
            note=words("promotions.interval_note", spread=view.short(spread)) if units is not None else "",
        ),
        cards.of(view, "promotion_margin", margin, note=words("promotions.margin_note")),
    ]


def _spread(measured: pl.DataFrame) -> float:
    """Half the width of the interval of all together: runs are measured apart, so distances add in squares."""
    half = (measured["high_units"] - measured["low_units"]).fill_null(0.0) / 2
    return math.sqrt(float((half * half).sum()))


def _chart(view: View, measured: pl.DataFrame) -> None:
    words = view.words
    half = _SHOWN // 2
    ranked = measured.sort("incremental_units", "promotion_id", descending=[True, False])
    shown = ranked if ranked.height <= _SHOWN else pl.concat([ranked.head(half), ranked.tail(_SHOWN - half)])
    rows = []
    names: set[str] = set()
    for run in shown.iter_rows(named=True):
        clear = {"lifted": "good", "cut": "bad"}.get(run["state"], "grey")
        product = view.item(run["name"] or run["sku"])
        name = f"{product[:34]} · {view.words.code('kind', run['kind'])} · {view.day_short(run['starts_on'])}"
        name = name if name not in names else f"{name} · {run['sku']}"
        names.add(name)
        rows.append(
            {
                "name": name,
                "value": run["incremental_units"],
                "low": run["low_units"],
                "high": run["high_units"],
                "colour": getattr(view.colours, clear),
                "tip_units": write.signed(write.exact(run["incremental_units"], 1)),
                "tip_interval": words(
                    "unit.interval", low=write.exact(run["low_units"], 1), high=write.exact(run["high_units"], 1)
                ),
                "tip_lift": write.signed_percent(run["lift_rate"]),
                "tip_dates": write.span(run["starts_on"], run["ends_on"], view.language),
            }
        )
    tips = (
        ("name", words("term.product")),
        ("tip_dates", words("term.dates")),
        ("tip_units", view.metric("incremental_units").name),
        ("tip_interval", words("term.interval")),
        ("tip_lift", words("term.lift")),
    )
    spec = charts_supply.intervals(
        view.colours, rows, axis_title=view.metric("incremental_units").name, tips=tips, language=view.language
    )
    note = words("promotions.chart_note", shown=len(rows), all=measured.height)
    blocks.figure(spec, title=words("promotions.chart"), alt=words("promotions.chart_alt"), key="effects", note=note)


def interval(view: View, bounds: dict[str, float | None]) -> str:
    """The interval of incremental units in words, a dash where it was not measured."""
    low, high = bounds["low_units"], bounds["high_units"]
    if low is None or high is None:
        return write.NONE
    return view.words("unit.interval", low=write.exact(low), high=write.exact(high))


def _listed(view: View, runs: pl.DataFrame) -> pl.DataFrame:
    words = view.words
    return runs.with_columns(
        pl.coalesce("name", "sku").alias("product"),
        pl.struct("low_units", "high_units")
        .map_elements(lambda bounds: interval(view, bounds), return_dtype=pl.String)
        .alias("interval"),
        pl.col("kind").map_elements(lambda code: words.code("kind", code), return_dtype=pl.String).alias("kind_word"),
        pl.col("state")
        .map_elements(lambda code: words.code("verdict", code), return_dtype=pl.String)
        .alias("verdict_word"),
        pl.col("why")
        .fill_null("")
        .map_elements(lambda text: reason(words, text), return_dtype=pl.String)
        .alias("why_word"),
    )


def _columns(view: View, *, has_roi: bool) -> list[tables.Column]:
    words = view.words
    tones = {words("verdict.lifted"): "good", words("verdict.cut"): "bad"}
    return [
        tables.Column("product", words("term.product"), view.item, width=190),
        tables.Column("starts_on", words("term.starts"), view.day),
        tables.Column("verdict_word", words("term.verdict"), tone=lambda value: tones.get(value, "quiet")),
        tables.Column(
            "incremental_units", view.metric("incremental_units").name, lambda value: write.signed(write.exact(value))
        ),
        tables.Column("interval", words("term.interval"), right=True),
        tables.Column("lift_rate", words("term.lift"), write.signed_percent),
        tables.Column("margin_amount", view.metric("promotion_margin").name, view.money),
        tables.Column("why_word", words("term.why"), width=330),
        tables.Column("kind_word", words("term.kind")),
        tables.Column("treated_stores", words("term.stores"), view.short),
        *([tables.Column("roi", words("term.roi"), write.signed_percent)] if has_roi else []),
    ]
