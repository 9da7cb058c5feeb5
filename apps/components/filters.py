"""The filter row and its address: the URL holds the truth, a value it does not allow is dropped from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import quote

import polars as pl
import streamlit as st

from apps import format as write
from apps.components.view import View
from apps.queries import sales
from apps.queries.scope import Scope

ALL = "all"
PERIODS = ("4w", "13w", "26w", "52w", "all")
SHARED = ("lang", "period", "channel", "region", "product")
_CARRIED = "carried"


@dataclass(frozen=True)
class Choice:
    """One filter: its name in the URL, the codes it allows, how a code reads, its default and its icon."""

    name: str
    codes: Sequence[str]
    label: Callable[[str], str]
    icon: str
    default: str = ALL


def allowed(name: str, codes: Sequence[str], default: str) -> str:
    """The URL's value of `name` if it is among `codes`; any other is taken out of the URL and the default holds."""
    value = st.query_params.get(name)
    if value is not None and value in codes:
        return value
    if value is not None:
        del st.query_params[name]
    return default


def carry_over(page: str) -> None:
    """On arriving from another page, puts the filters that all pages share back into the URL."""
    if st.session_state.get("page", page) != page:
        carried = st.session_state.get(_CARRIED, {})
        st.query_params.update({name: value for name, value in carried.items() if name not in st.query_params})
    st.session_state["page"] = page


def carry_language() -> None:
    """Puts the language chosen before back into the URL, so that menus and pages speak it from the first draw."""
    language = st.session_state.get(_CARRIED, {}).get("lang")
    if language is not None and "lang" not in st.query_params:
        st.query_params["lang"] = language


def remember(name: str, value: str, default: str) -> None:
    """Keeps a shared filter for the next page."""
    if name in SHARED:
        carried = dict(st.session_state.get(_CARRIED, {}))
        carried.pop(name, None)
        st.session_state[_CARRIED] = carried if value == default else {**carried, name: value}


def row(view: View, choices: Sequence[Choice]) -> dict[str, str | None]:
    """Draws the filters in one row; each one's code by name, None for all."""
    chosen: dict[str, str | None] = {}
    with st.container(horizontal=True, gap="small", key="filters"):
        for choice in choices:
            code = _select(view, choice)
            chosen[choice.name] = None if code == ALL else code
    return chosen


def period(view: View) -> Choice:
    """The span of whole weeks; the last 13 unless the URL says another."""
    return Choice("period", PERIODS, lambda code: view.words(f"period.{code}"), ":material/calendar_today:", "13w")


def standard(view: View, *names: str) -> list[Choice]:
    """The filters that the sales tables allow (channel, region, product), with the values that were sold under."""
    if not view.warehouse.has("mart_channel_daily"):
        return []
    found = sales.choices(view.warehouse)
    icons = {"channel": ":material/storefront:", "region": ":material/map:", "product": ":material/category:"}
    made = []
    for name in names:
        codes = [ALL, *found.filter(found["name"] == name)["code"].to_list()]
        if len(codes) == 1:
            continue
        made.append(Choice(name, codes, _labeller(view, name), icons[name]))
    return made


def coded(view: View, name: str, codes: Sequence[str], icon: str) -> Choice:
    """A page's own filter whose codes have words."""
    return Choice(name, [ALL, *codes], _labeller(view, name), icon)


def scope(view: View, chosen: dict[str, str | None]) -> Scope:
    """The whole weeks that the period covers, up to the last complete week with sales, and the shared filters."""
    bounds = sales.bounds(view.warehouse).row(0, named=True)
    first = bounds["first_on"] or view.today
    end = min(write.monday(view.today), bounds["whole_until"] or write.monday(view.today))
    code = chosen.get("period") or ALL
    start = write.monday(first) if code == ALL else end - timedelta(weeks=int(code.removesuffix("w")))
    start = min(max(start, write.monday(first)), end - timedelta(weeks=1))
    return Scope(start, end, chosen.get("channel"), chosen.get("region"), chosen.get("product"))


def address(view: View, page: str, field: str, name: str = "") -> pl.Expr:
    """The address of a page, its filter `name` (that of `field`) at each row's value, in the reader's language."""
    head = f"{page}?lang={view.language}&{name or field}="
    return pl.col(field).map_elements(lambda code: head + quote(str(code), safe=""), return_dtype=pl.String)


def current_week(view: View, end: date) -> date | None:
    """The Monday of the week still running when it follows the span directly, else None."""
    return end if write.monday(view.today) == end else None


def _labeller(view: View, name: str) -> Callable[[str], str]:
    def label(code: str) -> str:
        if code == ALL:
            return view.words(f"filter.all.{name}")
        return view.category(code) if name == "product" else view.named(name, code)

    return label


def _select(view: View, choice: Choice) -> str:
    key = f"filter-{choice.name}"
    value = allowed(choice.name, choice.codes, choice.default)
    st.session_state[key] = value
    remember(choice.name, value, choice.default)

    def moved() -> None:
        picked = st.session_state[key]
        if picked == choice.default:
            st.query_params.pop(choice.name, None)
        else:
            st.query_params[choice.name] = picked

    st.selectbox(
        view.words(f"filter.{choice.name}"),
        choice.codes,
        format_func=choice.label,
        key=key,
        on_change=moved,
        label_visibility="collapsed",
        icon=choice.icon,
        width=210,
    )
    return value
