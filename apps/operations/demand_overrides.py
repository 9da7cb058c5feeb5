"""Setting the forecast by hand: the chosen weeks as a grid to fill in with why and who, what was said, who approves
and who withdraws."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

import polars as pl
import streamlit as st

from apps import format as write
from apps.components import failures, tables
from apps.components.view import View
from apps.queries import forecast
from tillmill import actions
from tillmill.actions import REASONS, Override, Scope
from tillmill.errors import TillmillError

_SEEN = 6


def section(view: View, ahead: pl.DataFrame, scope: Scope) -> None:
    """Draws the grid of the weeks ahead within `scope`, everything that was said, who approves and who withdraws."""
    said = actions.known_overrides(view.root)
    _grid(view, ahead, scope, len(said))
    _listed(view, said)
    standing = [one for one in said if not _is_over(view, one)]
    _answered(
        view,
        [one for one in standing if not one.is_approved],
        key="approve",
        icon=":material/done_all:",
        act=lambda names, who: actions.approve_overrides(view.root, names, by=who),
    )
    _answered(
        view,
        standing,
        key="withdraw",
        icon=":material/undo:",
        act=lambda names, who: actions.withdraw_overrides(view.root, names, by=who),
    )


def spoken(weeks: list[date], shall_be: list[float | None]) -> dict[date, float]:
    """The weeks somebody filled in, by their Monday."""
    return {week: float(units) for week, units in zip(weeks, shall_be, strict=True) if units is not None}


def _grid(view: View, ahead: pl.DataFrame, scope: Scope, said: int) -> None:
    """The weeks to fill in; once something was said the grid is a new one, so that nobody says it twice."""
    words = view.words
    weeks = ahead["bucket_on"].to_list()
    with st.container(border=True, key="card-override", gap="small"):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.markdown(f"**{words('overrides.title', of=write.plain(_scope(view, scope)))}**", width="stretch")
            st.caption(words("overrides.note"), width="content")
        left, right = st.columns([3, 2], gap="medium")
        with left:
            edited = st.data_editor(
                pl.DataFrame(
                    {
                        "week": [view.day_short(week) for week in weeks],
                        "baseline": ahead["baseline_units"].round(0).to_list(),
                        "final": ahead["final_units"].round(0).to_list(),
                        "new": [None] * len(weeks),
                    },
                    schema_overrides={"new": pl.Float64},
                ),
                column_config={
                    "week": st.column_config.TextColumn(words("term.week")),
                    "baseline": st.column_config.NumberColumn(words("overrides.baseline"), format="localized"),
                    "final": st.column_config.NumberColumn(words("overrides.final"), format="localized"),
                    "new": st.column_config.NumberColumn(words("overrides.new"), min_value=0, format="localized"),
                },
                disabled=["week", "baseline", "final"],
                hide_index=True,
                height="content",
                placeholder=write.NONE,
                key=f"grid-{scope.as_json()}-{view.language}-{said}",
            )
        with right:
            filled = spoken(weeks, edited["new"].to_list())
            _form(view, scope, filled)


def _form(view: View, scope: Scope, filled: Mapping[date, float]) -> None:
    words = view.words
    first, second = st.columns(2, gap="small")
    reason = first.selectbox(
        words("overrides.reason"), REASONS, format_func=lambda code: words(f"overrides.reasons.{code}"), key="why"
    )
    expires_on = second.date_input(
        words("overrides.expires"), value=None, min_value=view.today + timedelta(days=1), key="expires"
    )
    note = st.text_area(words("overrides.why"), key="note", height=80)
    author = st.text_input(words("segments.by"), key="override-by")
    is_ready = bool(filled) and bool(note.strip()) and bool(author.strip())
    counted = {0: words("overrides.keep_none"), 1: words("overrides.keep_one")}
    label = counted.get(len(filled), words("overrides.keep", weeks=len(filled)))
    if st.button(label, icon=":material/edit_calendar:", disabled=not is_ready, key="override-keep"):
        try:
            actions.override_forecast(
                view.root,
                scope,
                filled,
                reason=reason,
                note=note,
                author=author,
                expires_on=expires_on if isinstance(expires_on, date) else None,
                read=view.warehouse.table,
            )
        except TillmillError as error:
            st.text(failures.said(words, error))
            return
        st.rerun()


def _listed(view: View, said: list[Override]) -> None:
    """The published overrides, over them what no version knows yet; what is still to come first."""
    words = view.words
    rows = {(row["override_id"], row["bucket_on"]): row for row in forecast.overrides(view.warehouse).to_dicts()}
    for one in said:
        place = (one.override_id, one.from_on)
        if one.is_pending or place not in rows:
            rows[place] = rows.get(place, {}) | _as_row(view, one)
    if not rows:
        return
    shown = pl.DataFrame([_line(view, row) for row in rows.values()], infer_schema_length=None)
    columns = [
        tables.Column("week", words("term.week"), view.day),
        tables.Column("of", words("overrides.of"), width=220),
        tables.Column("baseline", words("overrides.baseline"), write.exact),
        tables.Column("new", words("overrides.new"), write.exact),
        tables.Column("status", words("term.status"), tone=lambda text: _tone(view, text)),
        tables.Column("reason", words("overrides.reason"), width=240),
        tables.Column("author", words("overrides.author"), write.name, width=110),
        tables.Column("approved_by", words("overrides.approved_by"), write.name, width=110),
        tables.Column("observed", words("overrides.observed"), write.exact, right=True),
        tables.Column("added", words("demand.added"), _gained, _better, right=True),
    ]
    ordered = shown.sort("is_past", "week", maintain_order=True)
    tables.table(view, ordered, columns, title=words("overrides.table"), key="overrides", seen=_SEEN)


def _as_row(view: View, one: Override) -> dict[str, Any]:
    """What was said and is in no published version, as the mart would have it."""
    is_expired = one.expires_at is not None and one.expires_at <= view.clock
    return {
        "bucket_on": one.from_on,
        **vars(one.scope),
        "state": "expired" if is_expired else "next_run" if one.is_approved else "waiting",
        "baseline_units": one.old,
        "new_units": one.new,
        "reason_code": one.reason_code,
        "note": one.note,
        "author": one.author,
        "approved_by": one.approved_by,
    }


def _line(view: View, row: Mapping[str, Any]) -> dict[str, Any]:
    words = view.words
    reason = words.code("overrides.reasons", row["reason_code"] or "other")
    return {
        "is_past": row["state"] in ("judged", "lapsed", "expired"),
        "week": row["bucket_on"],
        "of": _scope(view, Scope(row["sku"], row["category"], row["channel_id"], row["location_id"])),
        "baseline": row["baseline_units"],
        "new": row["new_units"],
        "status": words(f"overrides.states.{row['state']}"),
        "reason": f"{reason}: {row['note']}" if row["note"] else reason,
        "author": row["author"],
        "approved_by": row["approved_by"],
        "observed": row.get("observed_units"),
        "added": row.get("value_added_units"),
    }


def _is_over(view: View, one: Override) -> bool:
    return one.to_on < view.today or (one.expires_at is not None and one.expires_at <= view.clock)


def _answered(
    view: View, asked: list[Override], *, key: str, icon: str, act: Callable[[list[str], str], list[Override]]
) -> None:
    """A card to choose among the `asked`, to say who one is, and to `act` on the chosen; a refusal is told there."""
    if not asked:
        return
    words = view.words
    by_id = {one.override_id: one for one in asked}
    with st.container(border=True, key=f"card-{key}", gap="small"):
        st.markdown(f"**{words(f'overrides.{key}_title')}**")
        st.caption(words(f"overrides.{key}_note"))
        first, second, third = st.columns([5, 2, 2], gap="small", vertical_alignment="bottom")
        chosen = first.multiselect(
            words(f"overrides.{key}_which"),
            list(by_id),
            format_func=lambda name: _label(view, by_id[name]),
            key=key,
            placeholder=words("overrides.choose"),
        )
        who = second.text_input(words(f"overrides.{key}_by"), key=f"{key}-by")
        is_ready = bool(chosen) and bool(who.strip())
        if third.button(words(f"overrides.{key}"), icon=icon, disabled=not is_ready, key=f"{key}-keep"):
            try:
                act(chosen, who)
            except TillmillError as error:
                st.text(failures.said(words, error))
                return
            st.rerun()


def _label(view: View, one: Override) -> str:
    return f"{view.day_short(one.from_on)} · {_scope(view, one.scope)} · {write.exact(one.new)} · {one.author}"


def _scope(view: View, scope: Scope) -> str:
    """The scope in the reader's words: the item or its category, then channel and place."""
    of = scope.sku if scope.sku != "*" else view.category(scope.category) if scope.category != "*" else ""
    where = view.channel(scope.channel_id) if scope.channel_id != "*" else ""
    place = scope.location_id if scope.location_id != "*" else ""
    return " · ".join(part for part in (of, where, place) if part) or view.words("demand.alarm.everything")


def _tone(view: View, text: str) -> str:
    tones = {"waiting": "warn", "next_run": "warn", "in_force": "good"}
    words = {view.words(f"overrides.states.{state}"): tone for state, tone in tones.items()}
    return words.get(text, "quiet")


def _gained(units: float) -> str:
    return write.signed(write.exact(units))


def _better(units: float) -> str:
    return "good" if units > 0 else "bad" if units < 0 else ""
