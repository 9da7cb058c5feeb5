"""Whether what came may pass for all there is: a misspelt key, or an empty page, must not cut a feed short unsaid."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from ingestion.connectors.connector import THIS_STREAM
from ingestion.connectors.records import dig, holds, lacks, names_in
from tillmill.errors import SourceError
from tillmill.refusals import nearest

if TYPE_CHECKING:
    from ingestion.connectors.paging import Paging, Turn

NOTHING: tuple[object, ...] = (None, "", False, "false", "0", [], {})
# Names by which answers tell that there is more, or how much there is.
MORE = re.compile(r"next|more|cursor", re.IGNORECASE)
COUNT, PAGES = re.compile(r"total|count", re.IGNORECASE), re.compile(r"pages", re.IGNORECASE)
# How like a misspelt name is to the one meant; `prev_cursor` is less like `next_cursor`.
ALIKE = 0.8
MOST_TOLD = 8
STATE = "The cursor stands behind what has landed before; nothing of this page has landed."
AGAIN = f"tillmill ingest --afresh {THIS_STREAM}"


def refuse_short(paging: Paging, turn: Turn, what: str, states_every_key: bool = False) -> None:
    """Raises SourceError where a first page lacks the key that says whether more follows, and more may well do.

    The key that is there and null, empty or false is the source's word that nothing follows. One that is not there at
    all is mostly misspelt: it passes for the end only on a page shorter than `size` with no key like it, and where
    `next_may_be_missing`. Without `size` nobody knows what a short page is. `states_every_key`: an answer has all that
    was asked for, so that what is not there was not asked for.
    """
    if not turn.items or paging.next_may_be_missing:
        return
    is_short = 0 < len(turn.items) < paging.size and not states_every_key
    if paging.link_header and "Link" not in turn.headers and not is_short:
        raise _stopped(what, turn, "link_header", "no Link header")
    for setting, path in (("next", paging.next), ("more", paging.more)):
        if not path or holds(turn.body, path) or (is_short and not _alike(turn.body, path)):
            continue
        there = names_in(turn.body)
        near = nearest(path, there) or f"; {_told(there)}"
        raise _stopped(what, turn, setting, f"no {path!r}{near}")


def no_list(items: str, body: Any, place: str = "") -> str:
    """What is said of an answer that has no list of records under `items`: the nearest name of what it has, or some."""
    told = names_in(body)
    # A list of records is meant: of two names that are as like, that of a list is the one.
    near = nearest(items, [name for name in told if isinstance(dig(body, name), list)]) if items else ""
    return f"no list of records under {items or 'the top'!r}{place}{near}; {_told(told)}"


def _told(names: list[str]) -> str:
    return f"there {'is' if len(names) == 1 else 'are'} {', '.join(names[:MOST_TOLD]) or 'no names'}"


def _stopped(what: str, turn: Turn, setting: str, lacks: str) -> SourceError:
    return SourceError(
        f"{what}: the first page has {len(turn.items):,} records and nothing to say whether more follow: {lacks}",
        state=STATE,
        next_command=f"mend pull.{setting} in tillmill.toml, then: {AGAIN}\n"
        "(a source that leaves it out on its last page: next_may_be_missing = true)",
    )


def _alike(body: Any, path: str) -> bool:
    """Whether a key that is all but this one, beside the place where it should be, says that something follows."""
    above, _, name = path.rpartition(".")
    holder = dig(body, above)
    told = [key for key, value in holder.items() if value not in NOTHING] if isinstance(holder, dict) else []
    return bool(get_close_matches(_bare(name), [_bare(key) for key in told], n=1, cutoff=ALIKE))


def _bare(name: str) -> str:
    return name.casefold().replace("_", "").replace("-", "")


def refuse_more(paging: Paging, turn: Turn, what: str) -> None:
    """Raises SourceError where an answer counts more than one page, and nothing says how the next is asked for."""
    rows, pages = (dig(turn.body, path) if path else None for path in (paging.total_rows, paging.total_pages))
    if (
        (paging.more and dig(turn.body, paging.more) not in NOTHING)
        or _number(rows) > len(turn.items)
        or _number(pages) > 1
    ):
        raise SourceError(
            f"{what}: the answer says that there is more than its {len(turn.items):,} records, and none of page_param, "
            "offset_param, cursor_param, next, link_header and keyset_param how to ask for it",
            state=STATE,
            next_command=f"say in pull how the source is paged, then: {AGAIN}",
        )


def refuse_orphans(items: list[Any], parents: list[str], what: str) -> None:
    """Raises SourceError where no record has a field that `parents` names.

    Lines whose parent's time or currency was misspelt would land with what stands in for it, and a later line with
    the right one, being older, would not displace them.
    """
    if lacking := lacks(items, parents):
        raise SourceError(
            f"{what}: {lacking}",
            state="Nothing of it has landed.",
            next_command="mend pull.parents, or, if the source leaves out what is empty, say parents_may_be_missing = "
            f"true; then: tillmill ingest {THIS_STREAM}",
        )


def refuse_fewer(paging: Paging, rows: int, total: int, what: str) -> None:
    """Raises SourceError where a source has no more pages and has handed over fewer rows than it counts itself."""
    if rows < total:
        raise SourceError(
            f"{what}: {rows:,} of {total:,} rows came, then nothing more: {paging.total_rows} counts "
            f"{total - rows:,} that are on none of its pages",
            state="The cursor has not moved past them: the next run asks for all of them again.",
            next_command="see whether the source has a limit of pages or rows (smaller windows: window_hours), and "
            f"whether pull asks for its pages as it counts them, then: tillmill ingest {THIS_STREAM}\n"
            "(a source that counts what it never hands over: leave total_rows out)",
        )


def news_of_unpaged(paging: Paging, turn: Turn) -> str:
    """What makes an answer that is not paged look like the first of many pages, in words; '' where nothing does."""
    rows = len(turn.items)
    if not rows:
        return ""
    signs = [f"there are exactly {rows:,} records, as many as were asked for"] if rows in paging.asked_rows else []
    told = {name: dig(turn.body, name) for name in names_in(turn.body)}
    more = [name for name, value in told.items() if MORE.search(_last(name)) and value not in NOTHING]
    count = [f"{name} = {value}" for name, value in told.items() if _number(value) > _most(_last(name), rows)]
    signs += [f"the answer has {', '.join([*more, *count][:MOST_TOLD])}"] if more or count else []
    signs += ["the answer has a Link header"] if 'rel="next"' in turn.headers.get("Link", "") else []
    if not signs:
        return ""
    said = f"{' and '.join(signs)}, but pull does not say how the next page is asked for"
    return f"{said}; if there is more, mend pull, then: {AGAIN}"


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _most(name: str, rows: int) -> float:
    """The highest number that may stand under this name beside so many rows, where they are all."""
    return 1 if PAGES.search(name) else rows if COUNT.search(name) else float("inf")


def _number(value: Any) -> int:
    return int(text) if (text := str(value)).isdecimal() else 0
