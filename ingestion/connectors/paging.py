"""From one page of a source to the next, by page number, offset, cursor, link or last id; no page twice, none left."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from pydantic import Field, model_validator

from ingestion.connectors.connector import Settings
from ingestion.connectors.firstpage import news_of_unpaged, refuse_fewer, refuse_more, refuse_short
from ingestion.connectors.records import dig
from ingestion.connectors.signing import Value
from tillmill.errors import SourceError

MOST_PAGES = 1_000_000


class Paging(Settings):
    """How a source is paged; with none of these keys, one page.

    `page_param`: page numbers, to `total_pages` or `total_rows` where the answer tells them, to a false `more`, else to
    the first empty page; `from_last` starts at the last one. `offset_param`: rows to skip, as many as were read.
    `cursor_param` with `next`: the answer's field that holds the next cursor. `next` alone: a field that holds the next
    page's address. `link_header`: the same in a Link header (RFC 8288). `keyset_param` with `keyset_field`: records
    after the last one's value.

    A first page without the key that `next` or `more` names, or without a Link header, stops the stream, unless it has
    less than `size` records.
    """

    page_param: str = ""
    first_page: int = 1
    size_param: str = ""
    size: int = Field(default=0, ge=0)
    total_pages: str = ""
    total_rows: str = ""
    more: str = Field(default="", description="the answer's field that is false on the last page")
    from_last: bool = False
    offset_param: str = ""
    cursor_param: str = ""
    next: str = ""
    next_may_be_missing: bool = Field(default=False, description="the last page has no `next`, `more` or Link header")
    link_header: bool = False
    keyset_param: str = ""
    keyset_field: str = ""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if self.page_param and (self.cursor_param or self.next):
            raise ValueError("page_param excludes cursor_param and next")
        if self.cursor_param and not self.next:
            raise ValueError("cursor_param needs next: the answer's field with the next cursor")
        kinds = [self.page_param, self.offset_param, self.next, self.link_header, self.keyset_param]
        if sum(bool(kind) for kind in kinds) > 1:
            raise ValueError("give one of page_param, offset_param, next, link_header and keyset_param")
        if bool(self.keyset_param) != bool(self.keyset_field):
            raise ValueError("keyset_param and keyset_field belong together")
        if self.from_last and not (self.page_param and (self.total_pages or (self.total_rows and self.size))):
            raise ValueError("from_last needs page_param, and total_pages or total_rows with size")
        return self

    @property
    def asked_rows(self) -> set[int]:
        """How many rows a full page may have, as far as it was asked for."""
        return {self.size} - {0}


@dataclass(frozen=True)
class Turn:
    """One page: its number, its items, what its answer was, the last id to go on from (keyset only), and what a person
    should know of it."""

    number: int
    items: list[Any]
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    after: str | None = None
    news: str = ""


# Asks for a page by what is added to the parameters, or by a link that carries its own.
Ask = Callable[[Mapping[str, Value], str], Turn]


def turns(paging: Paging, ask: Ask, after: str | None, what: str, *, states_every_key: bool = False) -> Iterator[Turn]:
    """Every page, until the source says there are no more.

    `after` is where a keyset goes on from. Raises SourceError, naming `what`, for paging that goes in a circle, for a
    first page that does not say whether more follow (`firstpage.refuse_short`, also for `states_every_key`), and for
    pages that end before the source's own count does.
    """
    size: dict[str, Value] = {paging.size_param: paging.size} if paging.size_param and paging.size else {}
    if paging.from_last:
        found = _from_last(paging, ask, size, what)
    elif paging.page_param:
        found = _by_page(paging, ask, size, what)
    elif paging.offset_param:
        found = _by_offset(paging, ask, size, what)
    elif paging.keyset_param:
        found = _by_keyset(paging, ask, size, after, what)
    elif paging.next or paging.link_header:
        found = _by_next(paging, ask, size, what)
    else:
        found = _alone(paging, ask, size, what)
    rows, totals = 0, set[int]()
    for count, turn in enumerate(found, start=1):
        if count == 1:
            refuse_short(paging, turn, what, states_every_key)
        if count > MOST_PAGES:
            raise SourceError(f"{what}: more than {MOST_PAGES:,} pages")
        rows += len(turn.items)
        totals.add(_number(turn.body, paging.total_rows) or 0)
        yield replace(turn, number=count)
    # Behind a last id a source may count what is left. Of counts that change while we read, the lowest is for certain;
    # none at all, on a page behind the last, is the page's own.
    if not paging.keyset_param:
        refuse_fewer(paging, rows, min(totals - {0}, default=0), what)


def _alone(paging: Paging, ask: Ask, size: Mapping[str, Value], what: str) -> Iterator[Turn]:
    turn = ask(size, "")
    refuse_more(paging, turn, what)
    yield replace(turn, news=news_of_unpaged(paging, turn))


def _by_page(paging: Paging, ask: Ask, size: Mapping[str, Value], what: str) -> Iterator[Turn]:
    circle, number, rows = _Circle(what), paging.first_page, 0
    while True:
        turn = ask({**size, paging.page_param: number}, "")
        circle.check_content(turn.items, f"page {number}")
        rows += len(turn.items)
        yield turn
        # A short page need not be the last, nor an empty one where the source counts more pages.
        last = _last_page(paging, turn.body)
        if last is not None:
            if number >= last:
                return
        elif _is_last(paging, turn, rows):
            return
        number += 1


def _from_last(paging: Paging, ask: Ask, size: Mapping[str, Value], what: str) -> Iterator[Turn]:
    """Pages from the last to the first: a row that leaves the list while it is read moves the rows behind it to pages
    that are still to come, where going forward they would move to pages that are past.

    The first answer tells how many pages there are; if there are more than one, its rows are read again in their turn.
    """
    first = ask({**size, paging.page_param: paging.first_page}, "")
    last = _last_page(paging, first.body)
    if last is None and first.items:
        raise SourceError(f"{what}: the answer does not tell how many pages there are, and from_last needs to know")
    if last is None or last == paging.first_page:
        yield first
        return
    for number in range(last, paging.first_page - 1, -1):
        yield ask({**size, paging.page_param: number}, "")


def _by_offset(paging: Paging, ask: Ask, size: Mapping[str, Value], what: str) -> Iterator[Turn]:
    circle, rows = _Circle(what), 0
    while True:
        turn = ask({**size, paging.offset_param: rows}, "")
        circle.check_content(turn.items, f"the page at {rows}")
        # What came, not what was asked for: a server may give less than it was asked.
        rows += len(turn.items)
        yield turn
        if not turn.items or _is_last(paging, turn, rows):
            return


def _by_keyset(paging: Paging, ask: Ask, size: Mapping[str, Value], after: str | None, what: str) -> Iterator[Turn]:
    circle = _Circle(what)
    while True:
        turn = ask({**size, paging.keyset_param: after} if after is not None else size, "")
        if not turn.items:
            return
        told = [dig(item, paging.keyset_field) for item in turn.items]
        last = next((value for value in reversed(told) if value not in (None, "")), None)
        if last is None:
            raise SourceError(f"{what}: no record of a page has the {paging.keyset_field} to go on from")
        if str(last) == after:
            raise SourceError(f"{what}: the page after {after} ends with it again; the paging does not move on")
        circle.check(str(last))
        after = str(last)
        yield Turn(turn.number, turn.items, turn.body, turn.headers, after)
        if _tells_last(paging, turn):
            return


def _by_next(paging: Paging, ask: Ask, size: Mapping[str, Value], what: str) -> Iterator[Turn]:
    circle = _Circle(what)
    turn = ask(size, "")
    while True:
        yield turn
        following = next_link(turn.headers.get("Link", "")) if paging.link_header else dig(turn.body, paging.next)
        if _tells_last(paging, turn):
            return
        if following in (None, "", False):
            if paging.more:
                raise SourceError(f"{what}: {paging.more} says that there is more, but not where")
            return
        circle.check(str(following))
        turn = (
            ask({**size, paging.cursor_param: str(following)}, "") if paging.cursor_param else ask({}, str(following))
        )


def _last_page(paging: Paging, body: Any) -> int | None:
    """The last page's number, where the answer tells how many pages or, with a known size, rows there are."""
    pages, rows = _number(body, paging.total_pages), _number(body, paging.total_rows)
    if pages is None and rows is not None and paging.size and paging.from_last:
        pages = -(-rows // paging.size)
    return None if pages is None else paging.first_page + max(pages, 1) - 1


def _is_last(paging: Paging, turn: Turn, rows: int) -> bool:
    """Whether nothing follows: no items, a false `more`, or as many rows as the source counts."""
    total = _number(turn.body, paging.total_rows)
    return not turn.items or _tells_last(paging, turn) or (total is not None and rows >= total)


def _tells_last(paging: Paging, turn: Turn) -> bool:
    return bool(paging.more) and dig(turn.body, paging.more) in (False, None, "false", "0", "")


def _number(body: Any, path: str) -> int | None:
    text = str(dig(body, path)) if path else ""
    return int(text) if text.isdecimal() else None


class _Circle:
    """Notices what comes a second time."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._told: dict[str, str] = {}

    def check(self, following: str) -> None:
        """Raises SourceError for a next page that was given before."""
        if following in self._told:
            raise SourceError(f"{self._what}: the same next page is given twice; the paging goes in a circle")
        self._told[following] = ""

    def check_content(self, items: list[Any], name: str) -> None:
        """Raises SourceError for a page of the very records of an earlier one: in its place others are missing."""
        if not items:
            return
        mark = hashlib.blake2b(json.dumps(items, sort_keys=True, default=str).encode(), digest_size=16).hexdigest()
        if mark in self._told:
            raise SourceError(f"{self._what}: {name} is {self._told[mark]} again; the paging does not move on")
        self._told[mark] = name


LINK = re.compile(r"<([^>]*)>((?:\s*;\s*[^\s=;,]+\s*(?:=\s*(?:\"(?:[^\"\\]|\\.)*\"|[^\s;,\"]*))?)*)")
RELATION = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s;,\"]+))", re.IGNORECASE)


def next_link(header: str) -> str | None:
    """The target of the link whose relation is `next` (RFC 8288), None without one."""
    for target, told in LINK.findall(header):
        relation = RELATION.search(told)
        if relation and "next" in (relation[1] or relation[2] or "").lower().split():
            return str(target)
    return None
