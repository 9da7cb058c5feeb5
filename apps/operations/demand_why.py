"""Why the forecast is what it is: its parts by week, and what moved since the last one, as a sentence."""

from __future__ import annotations

import polars as pl
import streamlit as st

from apps import format as write
from apps.components import blocks, charts_forecast
from apps.components.view import View
from apps.queries.forecast import PARTS

# How many parts of a change are named: the largest, and only what is at least a tenth of it.
_NAMED = 3
_LEAST_SHARE = 0.1
# Each part's place among the colours of series; red is for what is bad, and no part is.
_SHADES = {"season": 1, "price": 6, "promotion": 3, "festival": 2, "other": 5}


def moving(ahead: pl.DataFrame) -> list[str]:
    """The parts beside the base that move the weeks ahead by a unit or more."""
    return [part for part in PARTS[1:] if float(ahead[part].abs().sum() or 0) >= 1]


def draw(view: View, ahead: pl.DataFrame, changed: dict[str, float] | None) -> None:
    """One card: bars of what lifts and lowers each week, and the sentence of what changed."""
    words = view.words
    shades = {part: view.colours.series[place] for part, place in _SHADES.items()}
    used = moving(ahead)
    with st.container(border=True, key="card-why", gap="xsmall", height="stretch"):
        st.markdown(f"**{words('demand.why')}**")
        if used:
            blocks.legend(
                [(shades[part], words(f"demand.part.{part}")) for part in used],
                words("demand.why_note", base=view.short(float(ahead["base"].mean() or 0))),  # type: ignore[arg-type]
            )
            spec = charts_forecast.parts_by_week(
                view.colours,
                view.language,
                _rows(view, ahead, used),
                shades={part: shades[part] for part in used},
                tips=(("week", words("term.week")), ("name", words("demand.why_part")), ("exact", words("term.units"))),
            )
            st.vega_lite_chart(spec, theme=None, key="chart-why", alt=words("demand.why_alt"))
        else:
            st.caption(words("demand.why_none"))
        st.markdown(since(view, changed))


def since(view: View, changed: dict[str, float] | None) -> str:
    """What moved between the forecast before and this one over the weeks both have, made from their parts."""
    words = view.words
    if changed is None:
        return words("demand.since.first")
    before, units = changed["previous_units"], changed["change_units"]
    said = {
        "day": write.plain(view.day_short(changed["previous_cutoff_on"])),  # type: ignore[arg-type]
        "weeks": write.exact(changed["weeks"]),
        "units": write.plain(view.short(abs(units))),
        "change": write.plain(write.percent(abs(units) / before)) if before else write.NONE,
    }
    moved = write.change(changed["baseline_units"], before)
    if moved.direction not in ("up", "down"):
        return words("demand.since.flat", **said)
    largest = sorted(PARTS, key=lambda part: -abs(changed[part]))[:_NAMED]
    named = [part for part in largest if abs(changed[part]) >= _LEAST_SHARE * abs(units)]
    parts = [f"{words(f'demand.part.{part}')} {write.plain(write.signed(view.short(changed[part])))}" for part in named]
    return words(f"demand.since.{moved.direction}", **said, parts=words("demand.since.comma").join(parts))


def _rows(view: View, ahead: pl.DataFrame, used: list[str]) -> list[dict[str, object]]:
    return [
        {
            "week_on": week["bucket_on"].isoformat(),
            "part": part,
            "rank": rank,
            "units": week[part],
            "week": view.words("chart.week_of", day=view.day(week["bucket_on"])),
            "name": view.words(f"demand.part.{part}"),
            "exact": write.signed(write.exact(week[part])),
        }
        for week in ahead.iter_rows(named=True)
        for rank, part in enumerate(used)
    ]
