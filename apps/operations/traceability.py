"""Traceability: where did this lot go, what was it made of, and who has goods of it?"""

from __future__ import annotations

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from apps import format as write
from apps.components import blocks, charts, filters, frame, tables
from apps.components.cards import Card, row
from apps.components.view import View
from apps.queries import trace

_NAME = "trace"
_LONGEST = 80
_BARS = 10
_ORDER = "order"
_NEEDS = ("mart_lot_trace", "mart_lot_destination", "dim_product", "dim_location")


@frame.page("traceability", needs=_NEEDS)
def page(view: View, export: DeltaGenerator) -> None:
    """Draws the page for the lot, order or place of the URL."""
    asked = ask(view)
    known = trace.known(view.warehouse, asked)
    if known.is_empty():
        frame.finding(view.words("traceability.unknown", asked=write.plain(asked)))
        return
    kind = str(known["kind"][0])
    back = trace.backward(view.warehouse, asked)
    ahead = trace.forward(view.warehouse, asked) if kind == "lot" else _shared(view, back)
    frame.finding(finding(view, asked, kind, back, ahead))
    row(view, figures(view, asked, kind, back, ahead))
    _chart(view, ahead)
    _went_table(view, asked, kind, ahead)
    _came_table(view, back)
    columns = _export_columns(view)
    tables.export(view, export, both_ways(view, back, ahead), columns, name="trace")


def ask(view: View) -> str:
    """The lot, order or place that the URL names, as the reader can change it; without one, a lot worth looking at."""
    words = view.words
    said = st.query_params.get(_NAME, "").strip()[:_LONGEST]
    asked = said or trace.example(view.warehouse) or ""
    st.session_state[_NAME] = asked

    def moved() -> None:
        wanted = str(st.session_state[_NAME] or "").strip()
        if wanted:
            st.query_params[_NAME] = wanted
        else:
            st.query_params.pop(_NAME, None)

    with st.container(horizontal=True, gap="small", key="filters", vertical_alignment="center"):
        st.text_input(
            words("traceability.ask"),
            key=_NAME,
            on_change=moved,
            max_chars=_LONGEST,
            label_visibility="collapsed",
            placeholder=words("traceability.ask"),
            icon=":material/search:",
            width=360,
        )
        st.caption(words("traceability.hint"), width="stretch")
    return asked


def finding(view: View, asked: str, kind: str, back: pl.DataFrame, ahead: pl.DataFrame) -> str:
    """One sentence: what it is, what it went into and whom it reached, or what it came of."""
    words = view.words
    said = {
        "asked": write.plain(asked),
        "orders": write.exact(_reached(ahead, _ORDER)),
        "places": write.exact(_reached(ahead, "location")),
        "lots": write.exact(_lots(ahead)),
        "parts": write.exact(_lots(back.filter(pl.col("depth") > 0))),
        "got": write.exact(_lots(back.filter(pl.col("depth") == 0))),
    }
    is_component = kind == "lot" and back.is_empty()
    return words(f"traceability.finding.{'component' if is_component else kind}", **said)


def figures(view: View, asked: str, kind: str, back: pl.DataFrame, ahead: pl.DataFrame) -> list[Card]:
    """Lots made of it (or got), orders, places, and lots it came of."""
    words = view.words
    is_lot = kind == "lot"
    lots = trace.lots_made(view.warehouse, asked) if is_lot else _lots(back.filter(pl.col("depth") == 0))
    places = ahead.filter(pl.col("kind") != _ORDER)
    at_stores = places.filter(pl.col("ends_with") == "store")["reached_id"].n_unique()
    return [
        Card(
            words("traceability.lots_made" if is_lot else "traceability.lots_got"),
            write.exact(lots),
            note=words("traceability.products_note", products=ahead["sku"].n_unique()),
        ),
        Card(
            words("traceability.orders"),
            write.exact(_reached(ahead, _ORDER)),
            note=words("traceability.units_note", units=view.short(_units(ahead, _ORDER))),
        ),
        Card(
            words("traceability.places"),
            write.exact(_reached(ahead, "location")),
            note=words("traceability.store_note", stores=at_stores),
            explained=words("explain.ends_at_store"),
        ),
        Card(
            words("traceability.parts"),
            write.exact(_lots(back.filter(pl.col("depth") > 0))),
            note=words("traceability.components_note", components=back.filter(pl.col("depth") > 0)["sku"].n_unique()),
        ),
    ]


def both_ways(view: View, back: pl.DataFrame, ahead: pl.DataFrame) -> pl.DataFrame:
    """One row per lot it came of and per order or place it went to, as the export holds them."""
    words = view.words
    came = back.select(
        pl.lit(words("traceability.came")).alias("way"),
        "sku",
        "name",
        "lot_id",
        "into_lot_id",
        "depth",
        "units",
        *(pl.lit(None, pl.String).alias(name) for name in ("kind", "reached_id", "place_name", "ends_with")),
        pl.lit(None, ahead.schema["first_at"]).alias("first_at"),
    )
    went = ahead.select(
        pl.lit(words("traceability.went")).alias("way"),
        "sku",
        "name",
        "lot_id",
        pl.lit(None, pl.String).alias("into_lot_id"),
        "depth",
        "units",
        "kind",
        "reached_id",
        "place_name",
        "ends_with",
        "first_at",
    )
    return pl.concat([went, came.select(went.columns)])


def _shared(view: View, back: pl.DataFrame) -> pl.DataFrame:
    """Who else has goods of the lots that an order or a place got."""
    lots = back.filter(pl.col("depth") == 0).select("sku", "lot_id").unique(maintain_order=True)
    found = [trace.forward(view.warehouse, lot).filter(sku=sku, depth=0) for sku, lot in lots.iter_rows()]
    return pl.concat(found) if found else trace.forward(view.warehouse, "")


def _reached(ahead: pl.DataFrame, kind: str) -> int:
    return ahead.filter(kind=kind)["reached_id"].n_unique()


def _units(ahead: pl.DataFrame, kind: str) -> float:
    return float(ahead.filter(kind=kind)["units"].sum() or 0)


def _lots(rows: pl.DataFrame) -> int:
    return rows.select("sku", "lot_id").n_unique() if rows.height else 0


def _chart(view: View, ahead: pl.DataFrame) -> None:
    words = view.words
    if ahead.is_empty():
        return
    places = (
        ahead.with_columns(
            pl.when(pl.col("kind") != _ORDER)
            .then(pl.coalesce("place_name", "reached_id"))
            .otherwise("place_name")
            .alias("place_name")
        )
        .group_by("kind", "place_name")
        .agg(pl.col("units").sum(), pl.col("lot_id").n_unique().alias("lots"))
        .sort("units", "place_name", descending=[True, False])
    )
    total = float(places["units"].sum() or 1)
    rows = [
        {
            "name": _place(view, found["kind"], found["place_name"]),
            "value": found["units"],
            "text": words(
                "traceability.bar", units=view.short(found["units"]), share=write.percent(found["units"] / total, 0)
            ),
            "colour": view.colours.accent if found["kind"] == _ORDER else view.colours.grey,
            "tip_units": write.exact(found["units"]),
            "tip_lots": write.exact(found["lots"]),
        }
        for found in places.head(_BARS).iter_rows(named=True)
    ]
    blocks.figure(
        charts.ranked_bars(
            view.colours,
            rows,
            labels=[words("term.place"), words("term.units"), words("traceability.lots")],
            tips=["name", "tip_units", "tip_lots"],
        ),
        title=words("traceability.chart"),
        note=words("traceability.chart_note", shown=len(rows), all=places.height),
        alt=words("traceability.chart_alt"),
        key="places",
    )


def _place(view: View, kind: str, place_name: str | None) -> str:
    return view.channel(place_name) if kind == _ORDER else view.item(place_name)


def _went_table(view: View, asked: str, kind: str, ahead: pl.DataFrame) -> None:
    words = view.words
    listed = ahead.with_columns(
        pl.coalesce("name", "sku").alias("product"),
        pl.col("kind")
        .map_elements(lambda code: words.code("reached", code), return_dtype=pl.String)
        .alias("kind_word"),
        pl.col("ends_with").map_elements(lambda code: words.code("ends", code), return_dtype=pl.String),
        pl.struct("kind", "place_name")
        .map_elements(lambda found: _place(view, **found), return_dtype=pl.String)
        .alias("place"),
        filters.address(view, "traceability", "reached_id", _NAME).alias("link"),
    )
    columns = [
        tables.Column("kind_word", words("filter.kind")),
        tables.Column("reached_id", words("traceability.reached"), right=False),
        tables.Column("place", words("term.place"), width=200),
        tables.Column("product", words("term.product"), view.item, width=220),
        tables.Column("lot_id", words("term.lot")),
        tables.Column("units", words("term.units"), write.exact),
        tables.Column("first_at", words("traceability.sent"), view.moment),
        tables.Column("ends_with", words("traceability.ends")),
    ]
    title = words("traceability.went_table" if kind == "lot" else "traceability.shared_table", asked=write.plain(asked))
    tables.table(view, listed, columns, title=title, key="went", link="link", is_exported=True)


def _came_table(view: View, back: pl.DataFrame) -> None:
    words = view.words
    listed = back.with_columns(
        pl.coalesce("name", "sku").alias("product"),
        filters.address(view, "traceability", "lot_id", _NAME).alias("link"),
    )
    columns = [
        tables.Column("depth", words("traceability.depth"), right=False),
        tables.Column("product", words("traceability.part"), view.item, width=260),
        tables.Column("lot_id", words("term.lot")),
        tables.Column("into_lot_id", words("traceability.into")),
        tables.Column("units", words("traceability.used"), lambda value: write.exact(value, 1)),
    ]
    tables.table(
        view, listed, columns, title=words("traceability.came_table"), key="came", link="link", is_exported=True
    )


def _export_columns(view: View) -> list[tables.Column]:
    words = view.words
    names = {
        "way": "traceability.way",
        "kind": "filter.kind",
        "reached_id": "traceability.reached",
        "place_name": "term.place",
        "sku": "term.sku",
        "name": "term.product",
        "lot_id": "term.lot",
        "into_lot_id": "traceability.into",
        "depth": "traceability.depth",
        "units": "term.units",
        "first_at": "traceability.sent",
        "ends_with": "traceability.ends",
    }
    return [tables.Column(field, words(key)) for field, key in names.items()]
