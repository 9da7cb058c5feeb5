"""The pages on the plant's protocols: what they show can be copied and is understood as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ingestion.sources import bind
from tests.ingestion.connectors.fixtures import SETTINGS, make_workspace

PAGES = Path(__file__).parents[2] / "docs" / "sources"


@pytest.mark.parametrize("name", ["modbus", "opcua", "mqtt", "tcp", "old-plcs"])
def test_every_source_shown_is_bound_as_it_stands(tmp_path: Path, name: str) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", (PAGES / f"{name}.md").read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    assert len(bind(make_workspace(tmp_path, SETTINGS + "\n".join(blocks)))) == sum(
        block.count("[[sources.streams]]") for block in blocks
    )
