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

from ingestion.connectors.changes import NO_CHANGES, Changes, Span, asked_for, asked_within, changed_pages
from ingestion.connectors.connector import Connector, Window
from ingestion.connectors.firstpage import no_list
from ingestion.connectors.page import Page
from ingestion.connectors.paging import Paging, Turn, turns
from ingestion.connectors.records import dig, named, text_of, unreadable
from ingestion.connectors.signing import Value, sorted_json
from ingestion.connectors.web import Connection, StatusError, Web, open_web
from tillmill.errors import SourceError
from tillmill.workspace import Workspace

FIELD = re.compile(r"\{([^{}]+)\}")
# A record that is listed and gone when its detail is asked for was deleted in between.
GONE = frozenset({404, 410})


class Pull(Paging, Changes):
    """What to read.

    `items` names the answer's list of records ("": the answer is the list), `columns` the values where records are bare
    lists.

    `params` and what paging and `since_param` add go into the query, or with `method = "POST"` into the JSON `body` at
    dotted names (`params_in = "form"`: into a form). `detail` is a record's own address (`{url}`, or a path such as
    `orders/{id}`); `detail_item` names the record in its answer. A detail that is a list stands under `detail`.
    """

    path: str = ""
    items: str = ""
    items_may_be_missing: bool = Field(default=False, description="an answer without `items` has no records")
    columns: list[str] = Field(default_factory=list)
    params: dict[str, Value] = Field(default_factory=dict)
    method: Literal["GET", "POST"] = "GET"
    params_in: Literal["", "query", "body", "form"] = ""
    body: dict[str, Any] = Field(default_factory=dict)
    detail: str = ""
    detail_item: str = ""
    details_at_once: int = Field(default=4, ge=1, le=32)

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

    @property
    def asked_rows(self) -> set[int]:
        """How many rows a full page may have, as far as it was asked for, be it by a fixed parameter."""
        return super().asked_rows | {int(text) for value in self.params.values() if (text := str(value)).isdecimal()}


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
    return pull.model_copy(update={"params": pull.params | asked_within(pull, window), **NO_CHANGES})


def _ask(web: Web, pull: Pull, asked: Mapping[str, Value], more: Mapping[str, Value], link: str) -> Turn:
    web.start_page()
    if link:
        answer = web.read(link, is_link=True)
    else:
        where = pull.params_in or ("query" if pull.method == "GET" else "body")
        params = {**pull.params, **asked, **more}
        if where == "body" and not web.connection.sign:
            answer = web.read(pull.path, method="POST", body=filled(pull.body, params))
        elif where == "form" and not web.connection.sign:
            answer = web.read(pull.path, method="POST", body=_as_form(filled(pull.body, params)), is_form=True)
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
        raise SourceError(f"{pull.path}: {no_list(pull.items, body, ' in the answer')}")
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
