"""Data health: is every stream fresh, every row accounted for, every sum equal to its source's?"""

from __future__ import annotations

import polars as pl
from streamlit.delta_generator import DeltaGenerator

from apps import format as write
from apps.components import blocks, charts_supply, filters, frame, tables
from apps.components.cards import Card, row
from apps.components.view import View
from apps.queries import health

_HOURS_PER_DAY = 24
# From here on an age says nothing by its tenths.
_WHOLE_FROM = 10
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


@frame.page("data_health", needs=("mart_data_health",))
def page(view: View, export: DeltaGenerator) -> None:
    """Draws the page for the source of the URL."""
    sources = health.streams(view.warehouse, source=None)["source"].unique().sort().to_list()
    chosen = filters.row(view, [filters.coded(view, "source", sources, ":material/database:")])
    streams = _judged(view, health.streams(view.warehouse, source=chosen["source"]))
    frame.finding(finding(view, streams))
    row(view, figures(view, streams))
    _chart(view, streams)
    columns = _columns(view)
    tables.table(
        view,
        streams,
        columns,
        title=view.words("health.table"),
        key="streams",
        totals={name: int(streams[name].sum() or 0) for name in _COUNTED},
        seen=16,
    )
    loads = tables.Column("loads", view.words("health.loads"), write.exact)
    tables.export(view, export, streams, [*columns, loads], name="data-health")


def finding(view: View, streams: pl.DataFrame) -> str:
    """One sentence: all is well, or which stream is late, unaccounted or different from its source."""
    words = view.words
    said = {
        "streams": write.exact(streams.height),
        "rows": write.plain(view.short(float(streams["landed_rows"].sum() or 0))),
    }
    late = streams.filter(pl.col("is_fresh").not_())
    lost = streams.filter(pl.col("is_accounted").not_())
    differs = streams.filter(pl.col("is_equal_to_control").not_())
    for key, found in (("lost", lost), ("differs", differs), ("late", late)):
        if found.height:
            return words(
                f"health.finding.{key}", **said, count=write.exact(found.height), stream=write.plain(found["name"][0])
            )
    return words("health.finding.fine", **said)


def figures(view: View, streams: pl.DataFrame) -> list[Card]:
    """Fresh streams, rows landed, rows quarantined, streams equal to their source's totals."""
    words = view.words
    fresh = streams.filter(pl.col("is_fresh").fill_null(True)).height
    pulled, landed, quarantined = (
        int(streams[name].sum() or 0) for name in ("pulled_rows", "landed_rows", "quarantined_rows")
    )
    controlled = streams.filter(pl.col("is_equal_to_control").is_not_null())
    equal = int(controlled["is_equal_to_control"].sum() or 0)
    rest = pulled - landed - quarantined
    whole = "health.accounted_note" if rest == 0 else "health.unaccounted_note"
    return [
        Card(
            words("health.fresh"),
            words("unit.of", part=write.exact(fresh), whole=write.exact(streams.height)),
            note=words("health.fresh_note"),
            explained=words("explain.fresh"),
        ),
        Card(
            words("health.landed"),
            view.short(landed),
            note=words(whole, pulled=write.exact(pulled), rest=write.exact(rest)),
            explained=words("explain.accounted"),
        ),
        Card(
            words("health.quarantined"),
            write.exact(quarantined),
            note=words("health.quarantined_note", rate=write.percent(quarantined / pulled if pulled else None, 2)),
            explained=words("explain.quarantined"),
        ),
        Card(
            words("health.equal"),
            words("unit.of", part=write.exact(equal), whole=write.exact(controlled.height))
            if controlled.height
            else write.NONE,
            note=words("health.equal_note" if controlled.height else "health.equal_none"),
            explained=words("explain.equal"),
        ),
    ]


def _chart(view: View, streams: pl.DataFrame) -> None:
    words = view.words
    known = streams.filter(pl.col("lag_hours").is_not_null()).sort("lag_hours", "name", descending=[True, False])
    rows = [
        {
            "source": found["source"],
            "name": found["stream"],
            "hours": max(0.0, found["lag_hours"]),
            "label": found["stream"] if found["is_fresh"] is False else "",
            "colour": view.colours.bad if found["is_fresh"] is False else view.colours.accent,
            "tip_lag": _lag(view, found["lag_hours"]),
            "tip_mark": write.moment(view.local(found["watermark_at"]), view.language)
            if found["watermark_at"]
            else write.NONE,
        }
        for found in known.iter_rows(named=True)
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


def _judged(view: View, streams: pl.DataFrame) -> pl.DataFrame:
    words = view.words
    word = (
        pl.when(pl.col("is_accounted").not_())
        .then(pl.lit(words("health.state.lost")))
        .when(pl.col("is_equal_to_control").not_())
        .then(pl.lit(words("health.state.differs")))
        .when(pl.col("is_fresh").not_())
        .then(pl.lit(words("health.state.late")))
        .otherwise(pl.lit(words("health.state.fine")))
    )
    control = pl.when(pl.col("is_equal_to_control").is_null()).then(pl.lit(write.NONE))
    return streams.with_columns(
        word.alias("state"),
        pl.format("{} · {}", "source", "stream").alias("name"),
        pl.col("watermark_at")
        .map_elements(lambda at: view.day(view.local(at).date()), return_dtype=pl.String)
        .alias("watermark"),
        control.when(pl.col("is_equal_to_control"))
        .then(pl.lit(words("health.control.equal")))
        .otherwise(pl.lit(words("health.control.differs")))
        .alias("control"),
        pl.col("extra_fields").cast(pl.String).fill_null("").str.replace_all(",", ", ").alias("extra"),
    )


def _lag(view: View, hours: float) -> str:
    if hours >= 2 * _HOURS_PER_DAY:
        return view.words("unit.days", days=_age(hours / _HOURS_PER_DAY))
    return view.words("unit.hours", hours=_age(hours))


def _age(count: float) -> str:
    return write.exact(count, 0 if count >= _WHOLE_FROM else 1)


def _columns(view: View) -> list[tables.Column]:
    words = view.words
    tones = {words("health.state.fine"): "good", words("health.state.late"): "warn"}
    equal = words("health.control.differs")
    return [
        tables.Column("stream", words("term.stream"), width=190),
        tables.Column("source", words("term.source")),
        tables.Column("state", words("term.status"), tone=lambda value: tones.get(value, "bad")),
        tables.Column("watermark", words("health.watermark"), right=True),
        tables.Column("lag_hours", words("health.lag"), lambda hours: _lag(view, max(0.0, hours))),
        tables.Column("pulled_rows", words("health.pulled"), write.exact),
        tables.Column("landed_rows", words("health.landed"), write.exact),
        tables.Column(
            "quarantined_rows", words("health.quarantined"), write.exact, lambda value: "warn" if value else "quiet"
        ),
        tables.Column(
            "control", words("health.control_heading"), tone=lambda value: "bad" if value == equal else "quiet"
        ),
        tables.Column("current_rows", words("health.current"), write.exact),
        tables.Column("extra", words("health.extra"), width=260),
    ]
