"""What the tests of the plant's faults start from: a workspace with one source, pulled for real, and what landed."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from ingestion.landing.ledger import Ledger
from ingestion.privacy.tokens import create_keys
from ingestion.pulling import StreamResult
from ingestion.runner import ingest
from tests.ingestion.connectors.fixtures import SETTINGS, make_workspace
from tests.ingestion.folder import landed
from tillmill.workspace import Workspace


def plant(root: Path, source: str) -> Workspace:
    """A workspace with keys and the one source described."""
    workspace = make_workspace(root, SETTINGS + source)
    if not list(workspace.keys.glob("*")):
        create_keys(workspace)
    return workspace


def pull(workspace: Workspace) -> StreamResult:
    """What one pull of the workspace's only stream did; every row pulled is accounted for."""
    [result] = ingest(workspace)
    assert result.pulled == result.landed + result.quarantined
    return result


def rows(workspace: Workspace, stream: str = "scada.readings") -> pl.DataFrame:
    """What has landed so far, in the order in which it did."""
    with Ledger(workspace.ledger) as ledger:
        found = landed(workspace, ledger.manifest().filter(pl.col("stream") == stream))
    return found.sort("_load_seq", "_row") if found.height else found
