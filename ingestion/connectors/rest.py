"""REST sources: page by page, only what changed since the last pull, each change once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from functools import partial
from typing import Any, Literal, Self
from urllib.parse import quote

from pydantic import Field, model_validator

from ingestion.connectors.connector import Connector, Settings, Window
from ingestion.connectors.page import FILE, LINE, Page, field_name
from ingestion.connectors.web import Connection, Web, open_web
from tillmill.errors import SettingsError, SourceError
from tillmill.workspace import Workspace, now

FIELD = re.compile(r"\{([^{}]+)\}")
# A record that is listed and gone when its detail is asked for was deleted in between.
GONE = frozenset({404, 410})


class Pull(Paging, Changes):
    """What to read.

    One of `page_param` (page numbers, to `total_pages` where the answer tells it, else to the first empty page),
    `cursor_param` with `next` (the answer's field that holds the next cursor) and `next` alone (a field that holds the
    next page's URL); none: one page. `since_param` asks for what changed since the highest `since_field` seen, less
    `overlap_seconds`; back-fills ask by it and `until_param`. `explode` makes one record of each element of a nested
    list, with the parent's fields named in `parents`.
    """

    path: str = ""
    items: str = ""
    params: dict[str, str] = Field(default_factory=dict)
    page_param: str = ""
    first_page: int = 1
    size_param: str = ""
    size: int = Field(default=0, ge=0)
    total_pages: str = ""
    cursor_param: str = ""
    next: str = ""
    since_param: str = ""
    since_field: str = ""
    until_param: str = ""
    overlap_seconds: int = Field(default=300, ge=0)
    explode: str = ""
    parents: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.method == "GET" and (self.body or self.params_in in ("body", "form")):
            raise ValueError('body and params_in need method = "POST"')
        if self.from_last and not self.window_hours:
            # Without an end in time, rows that are new push the others towards pages already read.
            raise ValueError("from_last needs window_hours: pages hold still only where nothing new can enter")
        if self.keyset_param and self.window_hours:
            raise ValueError("keyset_param and window_hours exclude each other: both make a long pull resumable")
        if self.detail_item and not self.detail:
            raise ValueError("detail_item needs detail")
        return self


def pages(workspace: Workspace, connection: Connection, pull: Pull, cursor: dict[str, Any] | None) -> Iterator[Page]:
    """Pages of records, objects flattened to dotted names and lists as JSON text.

    `cursor` is that of `changes.changed_pages`. Raises SourceError for a server that keeps failing, an answer that is
    not JSON or not shaped as told, and a page loop; RefusedError for a link to another server.
    """
    with open_web(workspace, connection) as web:
        complete = partial(_detailed, web, pull) if pull.detail else None

        def walk(span: Span, after: str | None) -> Iterator[Turn]:
            return turns(pull, partial(_ask, web, pull, asked_for(pull, span)), after, pull.path or web.base_url)

        yield from changed_pages(pull, cursor, walk, pull.path or "records", complete)


def narrowed(pull: Pull, window: Window) -> Pull:
    """The pull of what changed in that time. Raises SettingsError where the source was not told how it is asked."""
    if not (pull.since_param and pull.until_param):
        raise SettingsError(
            "pull: a back-fill needs since_param and until_param: the source's parameters for a stretch of time"
        )
    asked = {
        name: at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for name, at in ((pull.since_param, window.since), (pull.until_param, window.until))
    }
    return pull.model_copy(update={"params": pull.params | asked, "since_param": "", "since_field": ""})


def _answers(web: Web, pull: Pull, since: datetime | None) -> Iterator[list[dict[str, Any]]]:
    """The items of each page, until the source says there are no more."""
    params = dict(pull.params)
    if pull.size_param and pull.size:
        params[pull.size_param] = str(pull.size)
    if pull.since_param and since is not None:
        start = since - timedelta(seconds=pull.overlap_seconds)
        params[pull.since_param] = start.strftime("%Y-%m-%dT%H:%M:%SZ")
    path, number, asked, last = pull.path, pull.first_page, set[str](), ""
    for _ in range(MOST_PAGES):
        if pull.page_param:
            params[pull.page_param] = str(number)
        body = web.read(path, params, is_link=path != pull.path)
        items = _items(body, pull)
        said = hashlib.sha256(json.dumps(items, sort_keys=True).encode()).hexdigest() if items else ""
        if items and pull.page_param and said == last:
            raise SourceError(f"{pull.path}: page {number} is page {number - 1} again; the paging does not move on")
        last = said
        yield items
        if pull.page_param:
            # A short page need not be the last, nor an empty one where the source counts more pages.
            told = str(_dig(body, pull.total_pages)) if pull.total_pages else ""
            if number - pull.first_page + 1 >= int(told) if told.isdigit() else not items:
                return
            number += 1
            continue
        following = _dig(body, pull.next) if pull.next else None
        if following in (None, "", False):
            return
        if str(following) in asked:
            raise SourceError(f"{pull.path}: the same next page is given twice; the paging goes in a circle")
        asked.add(str(following))
        if pull.cursor_param:
            params[pull.cursor_param] = str(following)
        else:
            answer = web.read(pull.path, params, method=pull.method, body=pull.body or None)
    return Turn(0, _items(answer.body, pull, answer.is_lines), answer.body, answer.headers)


def filled(template: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """The body with each parameter at its dotted name."""
    body = deepcopy(dict(template))
    for name, value in params.items():
        *above, last = name.split(".")
        place = body
        for key in above:
            place = place.setdefault(key, {})
        place[last] = value
    return body


def _as_form(body: Mapping[str, Any]) -> dict[str, Any]:
    """A form's fields are text: a table in one of them is JSON."""
    return {name: sorted_json(value) if isinstance(value, dict) else value for name, value in body.items()}


def _items(body: Any, pull: Pull, is_lines: bool) -> list[Any]:
    items = dig(body, pull.items) if pull.items and not is_lines else body
    if isinstance(body, dict) and body.get("error") and not items:
        raise SourceError(f"{pull.path}: the answer reports an error of the source")
    if items is None and pull.items_may_be_missing:
        return []
    if not isinstance(items, list) or (
        items and not is_lines and not any(isinstance(item, (dict, list)) for item in items)
    ):
        raise SourceError(f"{pull.path}: no list of records under {pull.items or 'the top'!r} in the answer")
    return named(items, pull.columns) if pull.columns else items


def _detailed(web: Web, pull: Pull, items: list[Any]) -> list[Any]:
    """Each item with its detail beside it, a few at a time, within the page's deadline."""
    with ThreadPoolExecutor(max_workers=pull.details_at_once, thread_name_prefix="detail") as pool:
        found = [pool.submit(_with_detail, web, pull, item) for item in items]
        try:
            return [one.result() for one in found]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _with_detail(web: Web, pull: Pull, item: Any) -> Any:
    missing = [name for name in FIELD.findall(pull.detail) if text_of(dig(item, name)) in (None, "")]
    if not isinstance(item, dict) or missing:
        return unreadable(item, f"has no {', '.join(missing) or 'fields'} to ask for its detail by")
    is_link = FIELD.fullmatch(pull.detail) is not None

    def value(match: re.Match[str]) -> str:
        text = text_of(dig(item, match[1])) or ""
        # One record's id must not reach another path of the server.
        return text if is_link else quote(text, safe="")

    try:
        body = web.read(FIELD.sub(value, pull.detail), is_link=is_link).body
    except StatusError as error:
        if error.status in GONE:
            return unreadable(item, f"its detail is gone ({error.status})")
        raise
    detail = dig(body, pull.detail_item) if pull.detail_item else body
    if isinstance(detail, list):
        return {**item, "detail": detail}
    return {**item, **detail} if isinstance(detail, dict) else unreadable(item, "its detail is no record")


CONNECTOR = Connector(Connection, Pull, pages, window=narrowed)
