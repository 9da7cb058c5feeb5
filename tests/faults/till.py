"""A till's folder behind an FTP server, and a workspace that pulls stores from it: the whole way in, as configured."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ingestion.landing.ledger import Ledger
from ingestion.privacy.tokens import create_keys
from ingestion.pulling import StreamResult
from ingestion.runner import ingest
from tests.ingestion.connectors.file_servers import PASSWORD, ftp_server
from tests.ingestion.folder import landed, quarantined
from tillmill.workspace import SETTINGS_FILE, Workspace, open_workspace

LONG_AGO = 1_480_000_000
SETTINGS = """
[brand]
name = "Mill"
currency = "CNY"
timezone = "Asia/Shanghai"

[[sources]]
name = "till"
connector = "files"
timezone = "Asia/Shanghai"
[sources.connection]
url = "file:run/url"
password = "file:password"
[[sources.streams]]
stream = "pos.stores"
max_quarantined_rate = 1.0
pull = {{ path = "out/s*"{pull} }}
[sources.streams.fields]
{fields}
"""
FIELDS = 'updated_at = "changed"'


@dataclass
class Till:
    """The till's folder, and the workspace."""

    workspace: Workspace
    folder: Path

    def write(self, name: str, data: str | bytes, at: float = LONG_AGO) -> Path:
        path = self.folder / "out" / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        os.utime(path, (at, at))
        return path

    def pull(self) -> StreamResult:
        [result] = ingest(self.workspace)
        assert result.pulled == result.landed + result.quarantined
        return result

    def landed(self) -> pl.DataFrame:
        with Ledger(self.workspace.ledger) as ledger:
            return landed(self.workspace, ledger.manifest())

    def current(self) -> dict[str, str]:
        """The name of each store as a reader of the newest version sees it (the rule of staging)."""
        newest = self.landed().sort("updated_at", "_load_seq", "_row").unique("store_id", keep="last")
        return dict(newest.select("store_id", "name").sort("store_id").rows())

    def quarantined(self) -> pl.DataFrame:
        return quarantined(self.workspace)


@contextmanager
def till(root: Path, pull: str = "", fields: str = FIELDS, without: tuple[str, ...] = ()) -> Iterator[Till]:
    """A till whose stream is pulled with the settings `pull` (TOML), by a server that lacks the commands `without`."""
    (root / "server" / "out").mkdir(parents=True)
    home = root / "workspace"
    (home / "run").mkdir(parents=True)
    (home / SETTINGS_FILE).write_text(
        SETTINGS.format(pull=f", {pull}" if pull else "", fields=fields), encoding="utf-8"
    )
    (home / "password").write_text(PASSWORD)
    (home / "password").chmod(0o600)
    workspace = open_workspace(home)
    create_keys(workspace)
    with ftp_server(root / "server", without=without) as port:
        (home / "run" / "url").write_text(f"ftp://mill@127.0.0.1:{port}/")
        yield Till(workspace, root / "server")
