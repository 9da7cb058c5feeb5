"""The table behind a page, and its export as CSV that no spreadsheet will run."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from apps.components.view import View
from apps.format import NEUTRAL_RATE, NONE

SHOWN_ROWS = 300
_RUN_BY_SPREADSHEETS = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True)
class Column:
    """One column: field, heading, how a value is written, and its tone ('good', 'bad', 'warn', 'quiet', '')."""

    field: str
    heading: str
    write: Callable[[Any], str] | None = None
    tone: Callable[[Any], str] | None = None
    width: int | None = None


def table(
    view: View, rows: pl.DataFrame, columns: Sequence[Column], *, title: str, key: str, height: int | None = None
) -> None:
    """Draws the first rows, sortable by their values, written in the reader's language; numbers stand right."""
    shown = rows.head(SHOWN_ROWS).select([column.field for column in columns])
    shown = shown.with_columns(pl.col(pl.Decimal).cast(pl.Float64))
    with st.container(border=True, key=f"card-table-{key}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.markdown(f"**{title}**", width="stretch")
            if rows.height > shown.height:
                st.caption(
                    view.words("table.first", shown=f"{shown.height:,}", all=f"{rows.height:,}"), width="content"
                )
        if shown.is_empty():
            st.caption(view.words("table.none"))
            return
        # The grid paints its cells in the ground's colour; on a card they take the card's.
        style = shown.to_pandas().style.set_properties(
            **{"background-color": view.colours.card, "color": view.colours.text}
        )
        for column in columns:
            if column.write is not None:
                style = style.format(column.write, subset=[column.field], na_rep=NONE)
            if column.tone is not None:
                style = style.map(_css(view, column.tone), subset=[column.field])
        st.dataframe(
            style,
            hide_index=True,
            key=f"table-{key}",
            height=height or min(36 + 32 * shown.height, 36 + 32 * 10),
            row_height=32,
            placeholder=NONE,
            column_config={
                column.field: st.column_config.Column(
                    column.heading,
                    width=column.width,
                    alignment="right" if shown[column.field].dtype.is_numeric() else "left",
                )
                for column in columns
            },
            alt=title,
        )


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


def _css(view: View, tone: Callable[[Any], str]) -> Callable[[Any], str]:
    known = {"good": view.colours.good, "bad": view.colours.bad, "warn": view.colours.warn, "quiet": view.colours.quiet}

    def css(value: Any) -> str:
        colour = known.get(tone(value))
        return f"color: {colour}" if colour else ""

    return css
