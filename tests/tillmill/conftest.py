"""The ledger of a test's own workspace, which each module sets up as it needs it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ingestion.landing.ledger import Ledger
from tillmill.workspace import Workspace


@pytest.fixture
def ledger(workspace: Workspace) -> Iterator[Ledger]:
    with Ledger(workspace.ledger) as opened:
        yield opened
