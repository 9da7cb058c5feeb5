"""What every test of landing starts from: an empty workspace, its ledger, and a way to land a few rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ingestion.landing import lake
from ingestion.landing.ledger import Ledger, Load
from ingestion.landing.locks import stream_lock
from tests.ingestion.folder import AT, SCHEMA, make_workspace
from tillmill.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return make_workspace(tmp_path / "mill")


@pytest.fixture
def ledger(workspace: Workspace) -> Iterator[Ledger]:
    with Ledger(workspace.ledger) as opened:
        yield opened


@pytest.fixture
def land(workspace: Workspace, ledger: Ledger) -> Callable[..., Load]:
    def land_pieces(*pieces: lake.Piece, source: str = "pos", stream: str = "pos.lines") -> Load:
        with stream_lock(workspace, source, stream):
            return lake.land(
                workspace,
                ledger,
                source=source,
                stream=stream,
                schema=SCHEMA,
                event="sold_at",
                pieces=pieces,
                read=ledger.cursor(source, stream),
                started_at=AT,
            )

    return land_pieces
