"""A starting block is what the connector's own settings accept: it cannot go stale."""

from __future__ import annotations

import re
import tomllib

import pytest

from ingestion import contracts
from ingestion.describe import source_block
from ingestion.sources import CONNECTORS
from tillmill.errors import SettingsError
from tillmill.workspace import StreamSettings


def uncommented(block: str) -> str:
    """The block with every setting taken in, and the comments that are words left out."""
    return re.sub(r"^# (?=[a-z_]+ = )", "", block, flags=re.MULTILINE)


@pytest.mark.parametrize("name", sorted(CONNECTORS))
def test_every_connectors_block_can_be_read_as_it_is_and_with_everything_taken_in(name: str) -> None:
    block = source_block(name)
    connector = CONNECTORS[name]
    for text, is_full in ((block, False), (uncommented(block), True)):
        (source,) = tomllib.loads(text)["sources"]
        assert source["connector"] == name
        (stream,) = source["streams"]
        for told, model in ((source["connection"], connector.connection), (stream["pull"], connector.pull)):
            required = {key for key, info in model.model_fields.items() if info.is_required()}
            assert set(told) == (set(model.model_fields) if is_full else required)
        assert not is_full or set(stream) == set(StreamSettings.model_fields)


def test_defaults_and_choices_are_the_models_own() -> None:
    block = source_block("modbus")
    assert '# table = "holding"  # one of holding, input, coil, discrete' in block
    assert "# port = 502" in block
    assert "# clock = { address = 0 }" in block


def test_a_streams_columns_stand_there_with_what_they_must_be() -> None:
    (source,) = tomllib.loads(uncommented(source_block("files", "pos.sale_lines")))["sources"]
    assert list(source["streams"][0]["fields"]) == contracts.contract("pos.sale_lines").columns
    block = source_block("files", "pos.sale_lines")
    assert '# sale_id = "sale_id"  # text, key, required' in block
    assert '# member_id = "member_id"  # text, personal: lands as a token' in block
    assert "the brand's currency where it is missing" in block
    assert (
        '# is_tax_inclusive = "is_tax_inclusive"  # true or false, false: tax is put on top of the amounts where it is'
    ) in block


def test_a_name_nobody_has_is_answered_with_the_nearest() -> None:
    with pytest.raises(SettingsError, match="did you mean 'files'"):
        source_block("file")
    with pytest.raises(SettingsError, match=r"did you mean 'pos\.sale_lines'"):
        source_block("files", "pos.salelines")
