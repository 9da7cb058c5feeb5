"""One stream in full: how it is, what to type, why rows are in quarantine, which fields changed, its latest loads."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from apps import format as write
from apps.components import frame, reasons, tables
from apps.components.cards import Card, row
from apps.components.view import View
from apps.operations import stream_state
from apps.queries import health


def draw(view: View, export: DeltaGenerator, found: dict[str, Any]) -> None:
    """Draws the stream (a row of `stream_state.judged`) below the filter row."""
    words, source, stream = view.words, found["source"], found["stream"]
    said = {"stream": write.plain(found["name"]), "state": write.plain(found["state"])}
    what = write.plain(found["what"]) or words("health.what.fine")
    frame.finding(words("health.finding.one", what=what, **said))
    row(view, figures(view, found))
    _commands(view, found)
    refused = health.reasons(view.warehouse, source, stream)
    if refused.height:
        why = pl.col("reason").map_elements(lambda text: reasons.refused(words, text), return_dtype=pl.String)
        tables.table(view, refused.with_columns(why), _reasons(view), title=words("health.reasons"), key="reasons")
    fields = health.fields(view.warehouse, source, stream)
    if fields.height:
        fields = fields.with_columns(
            pl.Series("said", [_said_of_field(view, row) for row in fields.iter_rows(named=True)], pl.String)
        )
        tables.table(view, fields, _changes(view), title=words("health.fields"), key="fields")
    loads = health.loads(view.warehouse, source, stream)
    loads = loads.with_columns(
        pl.col("kind").replace_strict({code: words(f"health.kind.{code}") for code in ("pull", "replay")})
    )
    columns = _loads(view)
    if loads.height:
        tables.table(view, loads, columns, title=words("health.last_loads"), key="loads", seen=12, is_exported=True)
    tables.export(view, export, loads, columns, name=f"data-health-{stream}")


def figures(view: View, found: dict[str, Any]) -> list[Card]:
    """How far behind, what the last pull brought, rows in quarantine now, equal to the source's totals or not."""
    words = view.words
    due = found["expected_hours"]
    newest = view.moment(found["watermark_at"])
    timetable = words("health.due", due=stream_state.lag(view, float(due))) if due else words("health.may_rest")
    pulled = {name: write.exact(found[f"last_{name}_rows"]) for name in ("landed", "quarantined")}
    controls = {"rows": write.signed(write.exact(found["control_rows_diff"]))}
    ever = {"refused": write.exact(found["refused_rows"]), "replayed": write.exact(found["replayed_rows"])}
    return [
        Card(
            words("health.lag"),
            stream_state.lag(view, found["lag_hours"]),
            note=f"{newest} · {timetable}" if found["loads"] else words("health.what.never"),
        ),
        Card(
            words("health.last_pulled"),
            write.exact(found["last_pulled_rows"]),
            note=words("health.last_note", **pulled) if found["loads"] else words("health.what.never"),
        ),
        Card(
            view.metric("quarantined_rows").name,
            write.exact(found["quarantined_rows"]),
            note=words("health.ever", **ever),
        ),
        Card(
            words("health.control_heading"),
            found["control"],
            note=words("health.equal_none_one")
            if found["is_equal_to_control"] is None
            else words("health.control_note", **controls),
        ),
    ]


def _commands(view: View, found: dict[str, Any]) -> None:
    """What can be done, worst trouble first, each command with a button that copies it."""
    names = ["show", "replay"] if found["quarantined_rows"] else []
    names += ["check", "ingest"] if found["source"] != stream_state.OWN else []
    if found["code"] == "lost" or not names:
        names = ["status", *names]
    with st.container(border=True, key="card-commands", gap="xsmall"):
        st.markdown(f"**{view.words('health.commands')}**")
        for column, name in zip(st.columns(2) * 3, names, strict=False):
            with column, st.container(gap="xxsmall"):
                st.caption(view.words(f"command.{name}_note"))
                st.code(
                    stream_state.command(view, name, found["source"], found["stream"]), language=None, wrap_lines=True
                )


def _reasons(view: View) -> list[tables.Column]:
    words = view.words
    return [
        tables.Column("reason", words("health.reason"), width=460),
        tables.Column("reason_rows", words("health.rows"), write.exact),
        tables.Column("example", words("health.example"), width=300),
        tables.Column("first_seen_at", words("health.first_seen"), view.moment, right=True),
        tables.Column("last_seen_at", words("health.last_seen"), view.moment, right=True),
    ]


def _changes(view: View) -> list[tables.Column]:
    words = view.words
    lost = words("health.field.lost")
    return [
        tables.Column("field", words("health.field_heading"), width=260),
        tables.Column("said", words("term.status"), tone=lambda value: "warn" if value == lost else "quiet"),
        tables.Column("mapped_column", words("health.column")),
        tables.Column("since_at", words("health.since"), view.moment, right=True),
    ]


def _said_of_field(view: View, row: dict[str, Any]) -> str:
    """How the field and its mapping stand, in words."""
    if row["change"] != "retyped":
        return view.words(f"health.field.{row['change']}")
    old = view.words("health.holds.join").join(_holds(view, kind) for kind in row["old_kind"].split(", "))
    return view.words("health.field.retyped", old=old, new=_holds(view, row["new_kind"]))


def _holds(view: View, kind: str) -> str:
    """A kind of value (`number`, `date yyyy-mm-dd` …) in words."""
    name, _, format = kind.partition(" ")
    return view.words(f"health.holds.{'comma' if kind == 'number 0,0' else name}", format=write.plain(format))


def _loads(view: View) -> list[tables.Column]:
    words = view.words
    return [
        tables.Column("loaded_at", words("health.loaded_at"), view.moment),
        tables.Column("kind", words("term.kind")),
        tables.Column("pulled_rows", words("health.pulled"), write.exact),
        tables.Column("landed_rows", words("health.landed_short"), write.exact),
        tables.Column(
            "quarantined_rows",
            view.metric("quarantined_rows").name,
            lambda rows: write.signed(write.exact(rows)),
            lambda rows: "warn" if rows > 0 else "good" if rows < 0 else "quiet",
        ),
        tables.Column("watermark_at", words("health.watermark"), view.moment, right=True),
        tables.Column("load_id", words("health.load"), tone=lambda _: "quiet"),
    ]
