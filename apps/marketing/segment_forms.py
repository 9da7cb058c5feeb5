"""What can be done with a segment: try another rule and keep it, hand the list over."""

from __future__ import annotations

import streamlit as st

from apps import format as write
from apps.components import failures
from apps.components.view import View
from tillmill import actions
from tillmill.actions import Preview, Segment
from tillmill.errors import TillmillError


def edit(view: View, segment: Segment, name: str) -> None:
    """A rule to try: counted as soon as it is typed, kept as a new version when somebody says so.

    `name`: the segment's in the reader's language.
    """
    words = view.words
    own = segment.segment_id
    with st.container(border=True, key="card-rule", gap="small", height="stretch"):
        st.markdown(f"**{words('segments.edit')}**")
        rule = st.text_area(words("term.rule"), value=segment.rule, key=f"rule-{own}", help=words("segments.rule_help"))
        found = _tried(view, rule)
        first, second, third = st.columns(3, gap="small")
        saved_as = first.text_input(words("segments.id"), value=own, key=f"id-{own}")
        title = second.text_input(words("segments.name"), value=name, key=f"name-{own}-{view.language}")
        author = third.text_input(words("segments.by"), key="by")
        is_ready = found is not None and bool(author.strip())
        if st.button(words("segments.save"), icon=":material/save:", disabled=not is_ready, key="save"):
            _save(view, saved_as, title, rule, author)


def _tried(view: View, rule: str) -> Preview | None:
    try:
        found = actions.preview_segment(view.root, rule, view.warehouse.table)
    except TillmillError as error:
        st.caption(view.words("segments.refused"))
        st.text(failures.said(view.words, error))
        return None
    said = {"customers": write.exact(found.customers), "all": write.exact(found.everybody)}
    st.markdown(view.words("segments.holds", **{key: write.plain(text) for key, text in said.items()}))
    return found


def _save(view: View, segment_id: str, name: str, rule: str, author: str) -> None:
    try:
        kept = actions.save_segment(view.root, segment_id.strip(), name, rule, author=author, read=view.warehouse.table)
    except TillmillError as error:
        st.text(failures.said(view.words, error))
        return
    st.query_params["group"] = kept.segment_id
    st.rerun()


def hand_over(view: View, segment: Segment, found: Preview | None) -> None:
    """The list: medium and campaign, then a second look before it is made. Clear values are for the command line."""
    words = view.words
    with st.container(border=True, key="card-export", gap="small", height="stretch"):
        st.markdown(f"**{words('segments.hand_over')}**")
        st.caption(words("segments.hand_over_note"))
        first, second = st.columns(2, gap="small")
        media = list(found.reachable) if found else []
        medium = first.selectbox(
            words("term.medium"), media, format_func=lambda code: words.code("medium", code), key="medium"
        )
        campaign = second.text_input(words("segments.campaign"), key="campaign", placeholder=segment.segment_id)
        author = st.text_input(words("segments.by"), key="export-by")
        is_ready = medium is not None and bool(author.strip())
        if st.button(words("segments.export"), icon=":material/outgoing_mail:", disabled=not is_ready, key="ask"):
            _confirm(
                view,
                segment,
                str(medium),
                campaign.strip(),
                author.strip(),
                found.reachable[str(medium)] if found else 0,
            )


def _confirm(view: View, segment: Segment, medium: str, campaign: str, author: str, reachable: int) -> None:
    words = view.words

    @st.dialog(words("segments.confirm"))
    def asked() -> None:
        said = {"people": write.exact(reachable), "medium": words.code("medium", medium)}
        st.markdown(words("segments.confirm_text", **{key: write.plain(text) for key, text in said.items()}))
        if not st.button(words("segments.confirm_button"), type="primary", key="confirm"):
            return
        try:
            done = actions.export_segment(
                view.root,
                segment.segment_id,
                purpose="marketing",
                medium=medium,
                campaign=campaign,
                by=author,
                read=view.warehouse.table,
            )
        except TillmillError as error:
            st.text(failures.said(words, error))
            return
        counts = {
            "people": done.exported,
            "held_out": done.held_out,
            "without": done.members - done.exported - done.held_out,
        }
        st.success(
            words(
                "segments.done", path=write.plain(done.path), **{key: write.exact(one) for key, one in counts.items()}
            ),
            icon=":material/check:",
        )

    asked()
