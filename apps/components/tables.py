"""The table behind a page, and its export as CSV that no spreadsheet will run."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from apps.components.view import View
from apps.format import NEUTRAL_RATE, NONE

SHOWN_ROWS = 300
SEEN_ROWS = 10
ROW_HEIGHT = 32
_RUN_BY_SPREADSHEETS = ("=", "+", "-", "@", "\t", "\r", "\n")
_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Column:
    """One column: field, heading, how a value is written, and its tone ('good', 'bad', 'warn', 'quiet', '').

    Numbers stand right, heading included; `right` says otherwise. `width` caps it in pixels, the rest shows on hover.
    """

    field: str
    heading: str
    write: Callable[[Any], str] | None = None
    tone: Callable[[Any], str] | None = None
    width: int | None = None
    right: bool | None = None
    help: str = ""


def table(
    view: View,
    rows: pl.DataFrame,
    columns: Sequence[Column],
    *,
    title: str,
    key: str,
    totals: Mapping[str, Any] | None = None,
    link: str = "",
    seen: int = SEEN_ROWS,
    is_exported: bool = False,
) -> None:
    """Draws the first rows, sortable by their values, written in the reader's language; numbers stand right.

    `totals` holds the whole table's value of the fields that have one; `link` names the field with each row's address.
    `is_exported`: the page's export holds these rows, which is said where not all of them are shown.
    """
    shown = rows.head(SHOWN_ROWS)
    with st.container(border=True, key=f"card-table-{key}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.markdown(f"**{title}**", width="stretch")
            if rows.height > shown.height:
                cut = "table.first_exported" if is_exported else "table.first"
                st.caption(view.words(cut, shown=f"{shown.height:,}", all=f"{rows.height:,}"), width="content")
        if shown.is_empty():
            st.caption(view.words("table.none"))
            return
        lines = min(shown.height, seen) + (1 if totals else 0)
        _grid()(
            data={
                "title": title,
                "height": (lines + 1) * ROW_HEIGHT + 2,
                "colours": _colours(view),
                "columns": [_heading(shown, column) for column in columns],
                "totals": _totals(view, columns, totals) if totals else None,
                "rows": [_line(found, columns, link) for found in shown.iter_rows(named=True)],
            },
            key=f"table-{key}",
            height="content",
        )


@st.cache_resource(show_spinner=False)
def _grid() -> Callable[..., Any]:
    html, css, js = ((_HERE / f"grid.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
    made: Callable[..., Any] = st.components.v2.component("tillmill_table", html=html, css=css, js=js)
    return made


def _colours(view: View) -> dict[str, str]:
    colours = view.colours
    names = ("text", "quiet", "grid", "card", "accent", "good", "bad", "warn")
    return {name: getattr(colours, name) for name in names} | {"line": colours.grey_soft, "hover": colours.hover}


def _heading(rows: pl.DataFrame, column: Column) -> dict[str, Any]:
    right = rows[column.field].dtype.is_numeric() if column.right is None else column.right
    return {"heading": column.heading, "right": right, "width": column.width, "help": column.help}


def _line(found: dict[str, Any], columns: Sequence[Column], link: str) -> dict[str, Any]:
    values = [found[column.field] for column in columns]
    return {
        "texts": [_text(column, value) for column, value in zip(columns, values, strict=True)],
        "tones": [
            column.tone(value) if column.tone and value is not None else ""
            for column, value in zip(columns, values, strict=True)
        ],
        "keys": [_key(value) for value in values],
        "link": found[link] if link else None,
    }


def _totals(view: View, columns: Sequence[Column], totals: Mapping[str, Any]) -> list[str]:
    texts = [_text(column, totals[column.field]) if column.field in totals else "" for column in columns]
    return [view.words("table.total"), *texts[1:]]


def _text(column: Column, value: Any) -> str:
    if value is None or value != value:
        return NONE
    return column.write(value) if column.write is not None else str(value)


def _key(value: Any) -> str | float | None:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (int, float, Decimal)):
        return None if value != value else float(value)
    return value if value is None else str(value)


def export(view: View, slot: DeltaGenerator, rows: pl.DataFrame, columns: Sequence[Column], *, name: str) -> None:
    """Puts the export button into the title row: all rows, plain values, headings in the reader's language."""
    slot.download_button(
        view.words("export.label"),
        data=lambda: to_csv(rows, columns),
        file_name=f"{name}-v{view.version}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        disabled=rows.is_empty(),
        key="export",
    )


def sign_tone(value: Any) -> str:
    """Good above zero, bad below."""
    return "good" if value > 0 else "bad" if value < 0 else ""


def rate_tone(value: Any) -> str:
    """Good or bad beyond half a percent, else quiet."""
    return "quiet" if abs(value) <= NEUTRAL_RATE else sign_tone(value)


def to_csv(rows: pl.DataFrame, columns: Sequence[Column]) -> bytes:
    """UTF-8 CSV with a byte order mark (spreadsheets need it for Chinese); what would run as a formula is made text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([neutral(column.heading) for column in columns])
    for row in rows.select([column.field for column in columns]).iter_rows():
        writer.writerow([neutral(value) for value in row])
    return out.getvalue().encode("utf-8-sig")


def neutral(value: object) -> object:
    """Text that a spreadsheet would run (= + - @ tab return, also after blanks) gets an apostrophe; numbers stay."""
    if isinstance(value, str) and value.lstrip(" \u3000\ufeff").startswith(_RUN_BY_SPREADSHEETS):
        return f"'{value}"
    if isinstance(value, str) and value.startswith(_RUN_BY_SPREADSHEETS):
        return f"'{value}"
    return value
