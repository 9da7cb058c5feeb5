"""Data health: is every stream fresh, every row accounted for, every sum equal to its source's?"""

from __future__ import annotations

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from apps import format as write
from apps.components import blocks, cards, charts_supply, filters, frame, tables
from apps.components.cards import Card, row
from apps.components.filters import Choice
from apps.components.view import View
from apps.operations import adjustments, demand_accuracy, stream_detail, stream_state
from apps.queries import health

# Ages that the chart names: unit, count, hours.
_MARKS = (
    ("hours", 1, 1),
    ("hours", 6, 6),
    ("days", 1, 24),
    ("days", 7, 168),
    ("days", 30, 720),
    ("days", 90, 2160),
    ("days", 365, 8760),
)
_COUNTED = ("pulled_rows", "landed_rows", "quarantined_rows", "current_rows")


@frame.page("data_health", needs=("mart_data_health", "mart_load", "mart_quarantine", "mart_field_change"))
def page(view: View, export: DeltaGenerator) -> None:
    """Draws one stream where the URL names one, else all streams of the source, system and state that it names."""
    every = stream_state.judged(view, health.streams(view.warehouse))
    choices = _choices(view, every)
    # One stream has nothing to be narrowed by.
    is_one = filters.allowed("stream", choices[0].codes, filters.ALL) != filters.ALL
    chosen = filters.row(view, choices[:1] if is_one else choices)
    if is_one:
        stream_detail.draw(view, export, every.row(by_predicate=pl.col("key") == chosen["stream"], named=True))
        return
    asked = [("source", chosen["source"]), ("system", chosen["system"]), ("code", chosen["state"])]
    streams = every.filter(*(pl.col(name) == code for name, code in asked if code))
    streams = streams.with_columns(filters.address(view, "data-health", "key", "stream").alias("link"))
    frame.finding(finding(view, streams))
    row(view, figures(view, streams))
    needy = streams.filter(pl.col("code").is_in(stream_state.NEEDY))
    if needy.height:
        title = view.words("health.needy")
        tables.table(view, needy, _needs(view), title=title, key="needy", link="link", seen=8)
    _forecast(view)
    _every(view, export, streams)
    _chart(view, streams)
    if not any(code for _, code in asked) or chosen["system"] == "wms":
        adjustments.draw(view)
    _unconnected(view)


def finding(view: View, streams: pl.DataFrame) -> str:
    """One sentence: all is well, or which kind of trouble is the worst, how many streams have it, and the first."""
    words = view.words
    said = {
        "streams": write.exact(streams.height),
        "rows": write.plain(view.short(float(streams["landed_rows"].sum() or 0))),
    }
    needy = streams.filter(pl.col("code").is_in(stream_state.NEEDY))
    if needy.is_empty():
        return words("health.finding.fine" if streams.height else "table.none", **said)
    worst = needy.row(0, named=True)
    alike = needy.filter(pl.col("code") == worst["code"]).height
    said |= {"needy": write.exact(needy.height), "count": write.exact(alike), "stream": write.plain(worst["name"])}
    return words(f"health.finding.{worst['code']}", **said)


def figures(view: View, streams: pl.DataFrame) -> list[Card]:
    """Fresh streams, rows landed, rows in quarantine now, streams equal to their source's totals."""
    words = view.words
    landing = streams.filter(pl.col("is_fresh").is_not_null())
    fresh = landing.filter(pl.col("is_fresh")).height
    pulled, landed, quarantined, refused = (
        int(streams[name].sum() or 0) for name in ("pulled_rows", "landed_rows", "quarantined_rows", "refused_rows")
    )
    controlled = streams.filter(pl.col("is_equal_to_control").is_not_null())
    equal = int(controlled["is_equal_to_control"].sum() or 0)
    dismissed = int(streams["dismissed_rows"].sum() or 0)
    rest = pulled - landed - quarantined - dismissed
    whole = "health.accounted_note" if rest == 0 else "health.unaccounted_note"
    return [
        Card(
            view.metric("fresh_streams").name,
            words("unit.of", part=write.exact(fresh), whole=write.exact(landing.height)),
            note=words("health.fresh_note"),
            explained=view.metric("fresh_streams").meaning,
        ),
        cards.of(view, "landed_rows", landed, note=words(whole, pulled=write.exact(pulled), rest=write.exact(rest))),
        cards.of(
            view,
            "quarantined_rows",
            quarantined,
            note=words("health.quarantined_note", replayed=write.exact(refused - quarantined - dismissed)),
        ),
        Card(
            view.metric("equal_streams").name,
            words("unit.of", part=write.exact(equal), whole=write.exact(controlled.height))
            if controlled.height
            else write.NONE,
            note=words("health.equal_note" if controlled.height else "health.equal_none"),
            explained=view.metric("equal_streams").meaning,
        ),
    ]


def _choices(view: View, every: pl.DataFrame) -> list[Choice]:
    names = dict(every.sort("system", "stream", "source").select("key", "name").iter_rows())
    states = [code for code in stream_state.STATES if code in set(every["code"])]

    def stream(code: str) -> str:
        return view.words("filter.all.stream") if code == filters.ALL else names.get(code, code)

    def state(code: str) -> str:
        return view.words("filter.all.state" if code == filters.ALL else f"health.state.{code}")

    return [
        Choice("stream", [filters.ALL, *names], stream, ":material/search:"),
        filters.coded(view, "system", every["system"].unique().sort().to_list(), ":material/category:"),
        filters.coded(view, "source", every["source"].unique().sort().to_list(), ":material/database:"),
        Choice("state", [filters.ALL, *states], state, ":material/health_and_safety:"),
    ]


def _needs(view: View) -> list[tables.Column]:
    words, tones = view.words, stream_state.tone(view)
    return [
        tables.Column("stream", words("term.stream"), width=170),
        tables.Column("source", words("term.source"), width=110),
        tables.Column("state", words("term.status"), tone=lambda value: tones.get(value, "bad")),
        tables.Column("what", words("health.what_heading"), width=350),
        tables.Column("next_command", words("health.next"), tone=lambda _: "quiet", width=360),
    ]


def _every(view: View, export: DeltaGenerator, streams: pl.DataFrame) -> None:
    words, tones = view.words, stream_state.tone(view)
    differs = words("health.control.differs")
    columns = [
        tables.Column("stream", words("term.stream"), width=170),
        tables.Column("source", words("term.source"), width=110),
        tables.Column("state", words("term.status"), tone=lambda value: tones.get(value, "bad")),
        tables.Column(
            "quarantined_rows",
            view.metric("quarantined_rows").name,
            write.exact,
            lambda value: "warn" if value else "quiet",
        ),
        tables.Column("lag_hours", words("health.lag"), lambda hours: stream_state.lag(view, hours)),
        tables.Column("last_loaded_at", words("health.last_load"), view.moment, right=True),
        tables.Column("last_pulled_rows", words("health.last_pulled"), write.exact),
        tables.Column("pulled_rows", words("health.pulled"), write.exact),
        tables.Column("landed_rows", words("health.landed_short"), write.exact),
        tables.Column("control", words("health.control_heading"), tone=lambda v: "bad" if v == differs else "quiet"),
        tables.Column("current_rows", words("health.current"), write.exact),
    ]
    by_system = streams.sort("system", "stream", "source")
    totals = {name: int(by_system[name].sum() or 0) for name in _COUNTED}
    title = words("health.table")
    tables.table(
        view, by_system, columns, title=title, key="streams", totals=totals, link="link", seen=16, is_exported=True
    )
    more = ("what", "health.what_heading"), ("new_fields", "health.extra"), ("lost_fields", "health.lost_fields")
    exported = [*columns, *(tables.Column(name, words(key)) for name, key in more)]
    tables.export(view, export, by_system, exported, name="data-health")


def _forecast(view: View) -> None:
    """Forecasts whose errors keep their sign or grow are a matter of trust too; nothing while none does."""
    if not view.warehouse.has("mart_forecast_tracking") or not demand_accuracy.is_alarming(view):
        return
    with st.container(border=True, key="card-forecast", gap="xsmall"):
        st.markdown(demand_accuracy.alarm(view))
        st.markdown(f"[{view.words('health.forecast')}](demand?lang={view.language})")


def _chart(view: View, streams: pl.DataFrame) -> None:
    words = view.words
    known = streams.filter(pl.col("lag_hours").is_not_null(), pl.col("source") != stream_state.OWN)
    rows = [
        {
            "source": found["source"],
            "name": found["stream"],
            "hours": max(0.0, found["lag_hours"]),
            "label": found["stream"] if found["is_fresh"] is False else "",
            "colour": view.colours.bad if found["is_fresh"] is False else view.colours.accent,
            "tip_lag": stream_state.lag(view, found["lag_hours"]),
            "tip_mark": view.moment(found["watermark_at"]),
        }
        for found in known.sort("lag_hours", "name", descending=[True, False]).iter_rows(named=True)
    ]
    if not rows:
        return
    tips = (
        ("name", words("term.stream")),
        ("source", words("term.source")),
        ("tip_lag", words("health.lag")),
        ("tip_mark", words("health.watermark")),
    )
    marks = {hours: words(f"unit.{unit}", **{unit: count}) for unit, count, hours in _MARKS}
    spec = charts_supply.ages(view.colours, rows, marks=marks, tips=tips)
    note = words("health.chart_note")
    blocks.figure(spec, title=words("health.chart"), alt=words("health.chart_alt"), key="lags", note=note)


def _unconnected(view: View) -> None:
    """Streams that the model has and no source brings, folded away: one line per system."""
    found = health.not_connected(view.warehouse)
    if found.is_empty():
        return
    by_system = found.group_by("system", maintain_order=True).agg(pl.col("stream"))
    with st.expander(view.words("health.unconnected", count=found.height), icon=":material/power_off:"):
        st.caption(view.words("health.unconnected_note"))
        st.markdown("\n".join(f"- {write.plain(', '.join(names))}" for names in by_system["stream"].to_list()))
