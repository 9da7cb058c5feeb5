"""A feed of stores behind the fault server, pulled by the whole runner: from the workspace file to the ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from ingestion.landing.ledger import Cursor, Ledger
from ingestion.prepare import prepare
from ingestion.privacy.tokens import create_keys, load_keys
from ingestion.pulling import Limits, StreamResult, pull_all
from ingestion.sources import bind
from tests.faults.http_server import FaultServer, Request
from tests.ingestion.connectors.fixtures import SETTINGS, make_workspace, write_secret
from tests.ingestion.connectors.servers import serving
from tests.ingestion.folder import quarantined
from tillmill.workspace import Workspace

SECRET = "t0p-s3cret-token"
PATIENCE: dict[str, Any] = {"attempts": 3, "first_wait_seconds": 0, "timeout_seconds": 5, "most_wait_seconds": 0.05}


def toml(value: Any) -> str:
    """A value as inline TOML."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(name)} = {toml(inner)}" for name, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(toml(element) for element in value) + "]"
    return json.dumps(value, ensure_ascii=False)


@dataclass
class Feed:
    """The server, and a workspace whose one source it is (stream pos.stores)."""

    server: FaultServer
    workspace: Workspace
    port: int

    def pull(self, load_rows: int = 250_000, *, afresh: bool = False) -> StreamResult:
        """One run of the stream, or one from its start; every load of it accounts for its rows."""
        keys = load_keys(self.workspace)
        limits = Limits(load_rows=load_rows)
        streams = [replace(stream, is_afresh=afresh) for stream in bind(self.workspace)]
        [result] = pull_all(self.workspace, streams, lambda stream, page: prepare(stream, page, keys), limits=limits)
        with Ledger(self.workspace.ledger) as ledger:
            for load in ledger.loads():
                assert load.pulled == load.landed + load.quarantined
        assert result.pulled == result.landed + result.quarantined
        return result

    @property
    def cursor(self) -> Cursor:
        with Ledger(self.workspace.ledger) as ledger:
            return ledger.cursor("shop", "pos.stores")

    @property
    def rows(self) -> pl.DataFrame:
        """Every landed row, in the order it landed."""
        with Ledger(self.workspace.ledger) as ledger:
            manifest = ledger.manifest().filter(pl.col("landed") > 0)
        frames = [pl.read_parquet(path) for path in manifest["path"]]
        return pl.concat(frames).sort("_load_seq", "_row") if frames else pl.DataFrame()

    @property
    def ids(self) -> list[str]:
        """The keys that landed, each once."""
        rows = self.rows
        return sorted(set(rows["store_id"])) if rows.width else []

    @property
    def current(self) -> dict[str, str]:
        """The name of each store as of its newest version: what staging makes of the rows."""
        newest = self.rows.sort("updated_at", "_load_seq", "_row").unique("store_id", keep="last")
        return dict(newest.select("store_id", "name").iter_rows())

    @property
    def bad(self) -> pl.DataFrame:
        return quarantined(self.workspace)

    def asked(self, path: str = "/stores") -> list[Request]:
        return [request for request in self.server.asked if request.path.startswith(path)]


@contextmanager
def feeding(
    root: Path,
    server: FaultServer,
    pull: dict[str, Any],
    connection: dict[str, Any] | None = None,
    connector: str = "rest",
    fields: dict[str, Any] | None = None,
) -> Iterator[Feed]:
    """The feed, its server running; `{port}` in the connection's texts is the server's."""
    root.mkdir(parents=True, exist_ok=True)
    write_secret(root / "token", SECRET)
    with serving(server.run) as port:
        told = {"base_url": "http://127.0.0.1:{port}", **PATIENCE, **(connection or {})}
        source = (
            f'[[sources]]\nname = "shop"\nconnector = "{connector}"\n'
            f"connection = {toml(told).replace('{port}', str(port))}\n"
            '[[sources.streams]]\nstream = "pos.stores"\nmax_quarantined_rate = 1.0\n'
            f"pull = {toml(pull)}\nfields = {toml(fields or {'store_id': 'id', 'updated_at': 'at'})}\n"
        )
        workspace = make_workspace(root, SETTINGS + source)
        for folder in workspace.folders():
            folder.mkdir(parents=True, exist_ok=True)
        create_keys(workspace)
        yield Feed(server, workspace, port)
