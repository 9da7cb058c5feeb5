"""Items in a PostgreSQL and a workspace that reaches it, for the tests of the SQL connector and of its faults."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingestion.connectors.page import Page
from ingestion.connectors.sql import Connection, Pull, pages
from ingestion.privacy.tokens import create_keys
from tests.ingestion.connectors.fixtures import make_workspace, write_secret
from tests.ingestion.connectors.postgres import PASSWORD, Postgres
from tillmill.workspace import Workspace

CHANGES = Pull(table="erp.items", key=["sku"], cursor=["updated_at"], page_rows=3)
ITEMS = """
create schema if not exists erp;
drop table if exists erp.items;
create table erp.items (
    sku text primary key, name text, list_price numeric, updated_at timestamptz, created_at timestamptz
);
insert into erp.items
select 'A' || to_char(n, 'FM00'), '商品 ' || n, n + 0.25, timestamptz '2026-03-01 00:00Z' + n / 4 * interval '1 minute'
from generate_series(1, 10) n;
"""


@dataclass
class Bench:
    """A database of items and how the workspace reaches it."""

    server: Postgres
    workspace: Workspace
    connection: Connection

    def pull(self, pull: Pull = CHANGES, cursor: dict[str, Any] | None = None, **settings: Any) -> list[Page]:
        connection = self.connection.model_copy(update=settings)
        found = list(pages(self.workspace, connection, pull, cursor))
        for page in found:
            assert json.loads(json.dumps(page.cursor)) == page.cursor
            assert page.records.height <= pull.page_rows
        return found


def make_bench(server: Postgres, root: Path, way: str) -> Bench:
    """A bench with ten items, and how to reach it by `adbc` or `odbc`."""
    server.run(ITEMS)
    workspace = make_workspace(root)
    create_keys(workspace)
    return Bench(server, workspace, server.connection(way, write_secret(root / "password", PASSWORD)))


def column(found: list[Page], name: str) -> list[str]:
    return [value for page in found for value in page.records[name].to_list()]
