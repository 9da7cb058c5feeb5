"""GraphQL sources: a query of the workspace file, page by page or as a bulk result file, within its cost limits."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Self

from pydantic import Field, model_validator

from ingestion.connectors.bulk import bulk_turns, with_params
from ingestion.connectors.changes import NO_CHANGES, Changes, Span, asked_for, asked_within, changed_pages
from ingestion.connectors.connector import Connector, Window
from ingestion.connectors.firstpage import no_list
from ingestion.connectors.page import Page
from ingestion.connectors.paging import Paging, Turn, turns
from ingestion.connectors.records import dig
from ingestion.connectors.rest import filled
from ingestion.connectors.signing import Value
from ingestion.connectors.web import Connection, PassingError, Web, open_web, stopped
from tillmill.errors import SourceError
from tillmill.workspace import Workspace


class Pull(Paging, Changes):
    """What to ask: `query`, and under `items` of the answer's data its records (`orders.nodes`, or `orders.edges`).

    `variables` go with the query, and what paging and `since_param` add at their dotted names: `cursor_param = "after"`
    with `next = "orders.pageInfo.endCursor"` and `more = "orders.pageInfo.hasNextPage"`; or `offset_param` with
    `size_param`. With `bulk` the query is run as a Shopify bulk operation: `{name}` in it stands for the parameter
    `name`, its records are the file's lines without a parent, or (`bulk_child = "LineItem"`) the children of that kind
    with their parent's fields named in `parents`.
    """

    query: str
    items: str = ""
    variables: dict[str, Any] = Field(default_factory=dict)
    bulk: bool = False
    bulk_child: str = ""
    bulk_hosts: list[str] = Field(default=["storage.googleapis.com"], description="where result files may lie")
    bulk_wait_seconds: float = Field(default=1800, gt=0, description="for the result file")
    bulk_poll_seconds: float = Field(default=5, ge=0)

    @property
    def nests(self) -> bool:
        return bool(self.explode or self.bulk_child)

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.bulk == bool(self.items):
            raise ValueError("give one of items and bulk")
        if self.bulk_child and not self.bulk:
            raise ValueError("bulk_child needs bulk")
        if self.bulk and self.explode:
            raise ValueError("a bulk result has its nested records on lines of their own: bulk_child, not explode")
        if self.from_last or self.link_header or (self.keyset_param and self.window_hours):
            raise ValueError("GraphQL is paged by cursor, offset, page or keyset, from the first page on")
        return self


def pages(workspace: Workspace, connection: Connection, pull: Pull, cursor: dict[str, Any] | None) -> Iterator[Page]:
    """Pages of records, objects flattened to dotted names and lists as JSON text.

    `cursor` is that of `changes.changed_pages`. Raises SourceError for errors the answer reports, save a throttled
    query, which waits until the server has restored its cost and is asked again.
    """
    with open_web(workspace, connection) as web:
        ask = Asker(web)

        def walk(span: Span, after: str | None) -> Iterator[Turn]:
            asked = asked_for(pull, span)
            if pull.bulk:
                return bulk_turns(ask, web, pull, asked)
            # An answer has what the query asks for: a key that is not there is not in the query.
            return turns(pull, partial(_ask, ask, pull, asked), after, pull.items, states_every_key=True)

        # A bulk result's children carry their parent's fields already.
        changes = pull.model_copy(update={"parents": []}) if pull.bulk else pull
        yield from changed_pages(changes, cursor, walk, pull.items or "bulk result")


def narrowed(pull: Pull, window: Window) -> Pull:
    """The pull of what changed in that time. Raises SettingsError where the source was not told how it is asked."""
    asked = asked_within(pull, window)
    how: dict[str, Any] = (
        {"query": with_params(pull.query, asked)} if pull.bulk else {"variables": filled(pull.variables, asked)}
    )
    return pull.model_copy(update=how | NO_CHANGES)


class Asker:
    """Sends queries, judges their answers, and waits where the next one would cost more than the server has left."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._wait = 0.0

    def __call__(self, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The answer's `data`. Raises SourceError for its `errors`."""
        self._web.start_page()
        if self._wait:
            time.sleep(min(self._wait, self._web.connection.most_wait_seconds))
        body = {"query": query, "variables": dict(variables)}
        answer = self._web.read("", method="POST", body=body, judge=self._judge)
        self._wait = restore_seconds(answer.body)
        data = answer.body.get("data")
        if not isinstance(data, dict):
            raise stopped(f"{self._web.base_url}: an answer with neither data nor errors")
        return data

    def _judge(self, body: Any) -> None:
        if not isinstance(body, dict):
            raise stopped(f"{self._web.base_url}: an answer that is no object")
        errors = body.get("errors")
        if not errors:
            return
        told = errors if isinstance(errors, list) else [errors]
        if any(dig(error, "extensions.code") == "THROTTLED" for error in told):
            raise PassingError("the query was throttled", restore_seconds(body) or None)
        words = "; ".join(str(dig(error, "message") or error) for error in told)
        raise stopped(f"the answer reports an error of the source: {self._web.shown.clean(words)}")


def restore_seconds(body: Any) -> float:
    """How long until the server has what such a query may cost (`extensions.cost` of Shopify); 0 where it says none."""
    try:
        cost = float(dig(body, "extensions.cost.requestedQueryCost"))
        status = dig(body, "extensions.cost.throttleStatus")
        missing, rate = cost - float(status["currentlyAvailable"]), float(status["restoreRate"])
    except (TypeError, KeyError, ValueError):
        return 0.0
    return max(0.0, missing / rate) if rate > 0 else 0.0


def _ask(ask: Asker, pull: Pull, asked: Mapping[str, Value], more: Mapping[str, Value], link: str) -> Turn:
    data = ask(pull.query, filled(pull.variables, {**asked, **more}))
    items = dig(data, pull.items)
    if not isinstance(items, list):
        raise SourceError(no_list(pull.items, data, " in the answer's data"))
    if pull.items.endswith("edges"):
        items = [dig(item, "node") for item in items]
    return Turn(0, items, data)


CONNECTOR = Connector(Connection, Pull, pages, window=narrowed)
