"""Around every page: the title row, and a clear word when something is missing or fails."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from apps import format as write
from apps.components import failures, filters
from apps.components.theme import colours
from apps.components.view import View
from apps.i18n import LANGUAGES, Words, load
from apps.queries import health, metrics, sales
from apps.queries.warehouse import QueryError, Warehouse, open_warehouse
from tillmill import actions
from tillmill.errors import TillmillError
from tillmill.workspace import Workspace, open_workspace

WORKSPACE = "TILLMILL_WORKSPACE"
Body = Callable[[View, DeltaGenerator], None]
_STYLES = Path(__file__).parent
_log = logging.getLogger(__name__)


class Published(Protocol):
    """What the portal must know of a published version."""

    @property
    def version(self) -> int: ...
    @property
    def published_at(self) -> datetime: ...
    @property
    def is_pinned(self) -> bool: ...


def page(name: str, needs: Sequence[str]) -> Callable[[Body], Callable[[], None]]:
    """Makes a page of a function that draws what is below the title.

    `needs`: the tables it reads; without one of them, or with the first one empty, the page says what would fill it.
    """

    def wrap(body: Body) -> Callable[[], None]:
        def run() -> None:
            words = chosen_words()
            try:
                draw(name, needs, body, _workspace(), words)
            except (TillmillError, QueryError, OSError, ValueError) as error:
                _log.exception("page %s", name)
                st.error(words("error.page"), icon=":material/error:")
                st.text(failures.said(words, error) if isinstance(error, TillmillError) else "")

        return run

    return wrap


def draw(name: str, needs: Sequence[str], body: Body, workspace: Workspace, words: Words) -> None:
    """Draws one page of a workspace; the title row first, its export when the page has made its table."""
    mode = st.context.theme.type
    for style in ("layout.css", "dark.css" if mode == "dark" else "light.css"):
        st.html(_STYLES / style)
    version = actions.published(workspace.root)
    if version is None:
        _title(words, name, None)
        empty(words, "empty.unpublished")
        return
    clock = actions.clock(workspace.root)
    warehouse = _warehouse(str(version.path), version.version)
    hours, minutes = (int(part) for part in workspace.settings.brand.day_starts_at.split(":"))
    brand = workspace.settings.brand
    local = clock.astimezone(ZoneInfo(brand.timezone))
    today = (local - timedelta(hours=hours, minutes=minutes)).date()
    names = sales.names(warehouse, words.language)
    state = actions.run_state(workspace.root)
    view = View(
        words,
        colours(mode),
        brand,
        warehouse,
        version.version,
        clock,
        today,
        names,
        state.failed_streams,
        workspace.root,
        metrics.defined(warehouse, words.language),
    )
    export = _title(words, name, _badge(view, state, version))
    if not warehouse.has(*needs) or any(warehouse.is_empty(table) for table in needs[:1]):
        empty(words, f"empty.{name}")
        return
    body(view, export)


def empty(words: Words, key: str) -> None:
    """Says that there is nothing yet and what would fill the page."""
    with st.container(border=True, key="card-empty", gap="small"):
        st.markdown(f"**{words('empty.heading')}**")
        st.markdown(words(key))


def finding(text: str) -> None:
    """The page's one sentence, made from its numbers; foreign words in it are already plain."""
    st.markdown(text)


def chosen_words() -> Words:
    """The words of the URL's language, else of the browser's, else of the workspace's."""
    browser = (st.context.locale or "")[:2].lower()
    return load(filters.allowed("lang", LANGUAGES, browser if browser in LANGUAGES else _workspace_language()))


def _workspace_language() -> str:
    try:
        return _workspace().settings.brand.language
    except TillmillError:
        return LANGUAGES[0]


def _workspace() -> Workspace:
    return open_workspace(Path(os.environ.get(WORKSPACE, ".")).resolve())


@st.cache_resource(max_entries=3, show_spinner=False)
def _warehouse(path: str, version: int) -> Warehouse:
    return open_warehouse(Path(path))


def _title(words: Words, name: str, badge: tuple[str, str, str, str] | None) -> DeltaGenerator:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="title"):
        st.title(words(f"{name}.title"), anchor=False, width="stretch")
        if badge is not None:
            text, icon, colour, help_text = badge
            st.badge(text, icon=icon, color=colour, help=help_text)  # type: ignore[arg-type]
        export = st.empty()
        _language(words)
    return export


def _language(words: Words) -> None:
    st.session_state["language"] = words.language
    filters.remember("lang", words.language, "")

    def moved() -> None:
        st.query_params["lang"] = st.session_state["language"] or words.language

    st.segmented_control(
        words("language.label"),
        LANGUAGES,
        format_func=lambda code: words(f"language.{code}"),
        key="language",
        on_change=moved,
        label_visibility="collapsed",
        required=True,
    )


def _badge(view: View, state: actions.RunState, version: Published) -> tuple[str, str, str, str]:
    """Text, icon, colour and explanation of what is served, and of what keeps it from being fresh."""
    words = view.words
    last = sales.bounds(view.warehouse).row(0, named=True)["last_on"] if view.warehouse.has("fct_sales_line") else None
    text = words(
        "badge.version", version=version.version, day=view.day(last or view.local(version.published_at).date())
    )
    stamp = write.moment(view.local(version.published_at), view.language)
    explained = words("badge.help", moment=stamp, zone=view.brand.timezone.replace("_", " "))
    if state.failed:
        why = words("badge.failed_help", what=write.plain(state.failed), explained=explained)
        return (words("badge.failed", text=text), ":material/error:", "red", why)
    if version.is_pinned:
        return (words("badge.pinned", text=text), ":material/push_pin:", "orange", explained)
    late = health.streams(view.warehouse)["is_fresh"].not_().sum() if view.warehouse.has("mart_data_health") else 0
    if late:
        return (words("badge.late", text=text, late=late), ":material/schedule:", "orange", explained)
    if state.running:
        return (words("badge.running", text=text), ":material/sync:", "blue", explained)
    return (text, ":material/check_circle:", "green", explained)
