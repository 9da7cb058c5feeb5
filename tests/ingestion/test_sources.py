from __future__ import annotations

from pathlib import Path

import pytest

from ingestion.sources import bind
from tests.ingestion.connectors.fixtures import SETTINGS, make_workspace
from tillmill.errors import SettingsError
from tillmill.workspace import Workspace

SOURCE = """
[[sources]]
name = "pos"
connector = "files"
timezone = "America/New_York"
connection = { url = "in" }
[[sources.streams]]
stream = "pos.sale_lines"
pull = { path = "lines_*.csv" }
fields = { sale_id = "basket", net_amount = { field = "cents", scale = 0.01 } }
"""


def workspace_with(tmp_path: Path, old: str = "", new: str = "") -> Workspace:
    assert old in SOURCE
    return make_workspace(tmp_path, SETTINGS + SOURCE.replace(old, new))


def test_a_stream_is_bound_from_connector_mapping_and_contract(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "lines_1.csv").write_text("basket,cents\n1,250\n")
    [stream] = bind(workspace)
    assert (stream.source, stream.name, stream.contract.version) == ("pos", "pos.sale_lines", "observed_at")
    assert (stream.timezone, stream.currency, stream.calling_code) == ("America/New_York", "USD", "1")
    [page] = stream.pages(None)
    assert page.records["basket"].to_list() == ["1"]
    assert list(stream.pages(page.cursor)) == []


def test_a_source_that_is_down_is_bound_all_the_same(tmp_path: Path) -> None:
    assert len(bind(workspace_with(tmp_path, '"in"', '"file:run/none.json#url"'))) == 1


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"files"', '"file"', r"no connector is called 'file'; did you mean 'files'\?"),
        ('"pos.sale_lines"', '"pos.sales_lines"', r"source 'pos'.*'pos.sales_lines'; did you mean 'pos.sale_lines'\?"),
        ("sale_id =", "sales_id =", r"fields: pos.sale_lines has no column 'sales_id'; did you mean 'sale_id'\?"),
        ("scale =", "scales =", r"fields.net_amount.scales: .*; did you mean 'scale'\?"),
        ('field = "cents",', 'field = "cents", const = "1",', "needs exactly one of field, const, expr, position"),
        ('field = "cents", scale = 0.01', 'expr = "cast(("', "net_amount.*is no expression"),
        ('field = "cents", scale = 0.01', 'field = "cents", timezone = "Mars/Base"', "net_amount.*Mars/Base"),
        ("path =", "paths =", r"pull.paths: .*; did you mean 'path'\?"),
        ("url =", "urls =", "connection.url"),
        ('"lines_*.csv"', '"../lines_*.csv"', "pull.path"),
        ('timezone = "America/New_York"', 'timezone = "Mars/Base"', "no zone is called 'Mars/Base'"),
    ],
)
def test_a_mistake_is_named_with_file_source_stream_key_and_the_nearest_name(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    with pytest.raises(SettingsError, match=message) as caught:
        bind(workspace_with(tmp_path, old, new))
    assert "tillmill.toml" in str(caught.value)
    assert "'pos'" in str(caught.value)


def test_a_stream_cannot_be_bound_twice_in_one_source(tmp_path: Path) -> None:
    twice = SOURCE + SOURCE[SOURCE.index("[[sources.streams]]") :]
    with pytest.raises(SettingsError, match="twice"):
        bind(make_workspace(tmp_path, SETTINGS + twice))
