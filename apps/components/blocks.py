"""A chart in its card: a title, a line of explanation, words for those who cannot see it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from apps.components.charts import Spec


def figure(spec: Spec, *, title: str, alt: str, key: str, note: str = "", explained: str = "") -> None:
    """Draws one chart under its title; `alt` tells what it shows, `explained` what the note beside the title means."""
    with st.container(border=True, key=f"card-chart-{key}", gap="xsmall", height="stretch"):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.markdown(f"**{title}**", width="stretch")
            if note:
                st.caption(note, width="content", help=explained or None)
        st.vega_lite_chart(spec, theme=None, key=f"chart-{key}", alt=alt)


def legend(parts: Sequence[tuple[str, str]], note: str = "") -> None:
    """One line that names colours for several charts at once: colour and word of each part, then a note."""
    keys = [f'<span><i style="background:{colour}"></i>{escape(word)}</span>' for colour, word in parts]
    st.html(f'<div class="legend">{"".join(keys)}<span>{escape(note)}</span></div>', width="content")


def facts(pairs: Sequence[tuple[str, str]]) -> None:
    """Quiet lines of name and value, the values under one another; a long value breaks within its own column."""
    lines = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in pairs)
    st.html(f'<dl class="facts">{lines}</dl>')
