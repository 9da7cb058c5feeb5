"""Figure cards: at most four, equal, each with its comparison and a sparkline that starts at zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from apps import format as write
from apps.components import charts
from apps.components.view import View


@dataclass(frozen=True)
class Card:
    """One figure: label, value as written, change against an earlier one, and its recent course.

    `rising_is` says what more of it means: 'good', 'bad', or '' when neither. `note` stands where there is no change.
    A change that is none for want of an earlier span says so; the note stays where there is no value either.
    `bars` shows a spread instead of a course.
    """

    label: str
    value: str
    change: write.Change | None = None
    rising_is: str = "good"
    note: str = ""
    course: Sequence[float | None] = ()
    explained: str = ""
    bars: Sequence[float] = ()


def of(
    view: View,
    metric: str,
    value: write.Figure,
    change: write.Change | None = None,
    rising_is: str = "good",
    note: str = "",
    course: Sequence[float | None] = (),
    bars: Sequence[float] = (),
) -> Card:
    """The card of a metric: named, written and explained as the warehouse defines it."""
    defined = view.metric(metric)
    return Card(
        defined.name, view.written(metric, value), change, rising_is, note, course, explained=defined.meaning, bars=bars
    )


def row(view: View, cards: Sequence[Card]) -> None:
    """Draws up to four cards side by side."""
    for index, (column, card) in enumerate(zip(st.columns(len(cards), gap="small"), cards, strict=True)):
        with column, st.container(border=True, key=f"card-figure-{index}", gap="xxsmall", height="stretch"):
            _figure(view, card)
            spec = None
            if len(card.course) > 1:
                spec = charts.spark(view.colours, card.course)
            elif any(card.bars):
                spec = charts.spark_bars(view.colours, card.bars)
            if spec is not None:
                st.vega_lite_chart(spec, theme=None, height=40, key=f"spark-{index}", alt=card.label)


def _figure(view: View, card: Card) -> None:
    moved = card.change
    if moved is None or moved.direction == "none":
        st.metric(card.label, card.value, help=card.explained or None)
        lacks_before = moved is not None and card.value != write.NONE
        st.caption(card.note if card.note and not lacks_before else view.words("card.none"))
        return
    st.metric(
        card.label,
        card.value,
        delta=moved.text,
        delta_color=tone(moved.direction, card.rising_is),
        delta_arrow="off" if moved.direction == "flat" else "up" if moved.direction == "up" else "down",
        delta_description=card.note or None,
        help=card.explained or None,
    )


def tone(direction: str, rising_is: str) -> Literal["green", "red", "gray"]:
    """Green for good, red for bad, grey for flat and for what is neither."""
    if direction == "flat" or not rising_is:
        return "gray"
    return "green" if (direction == "up") == (rising_is == "good") else "red"
