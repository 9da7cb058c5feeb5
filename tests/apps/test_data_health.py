"""The data-health page: what needs somebody first, one stream in full, commands that can be typed as they stand."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from typer.testing import CliRunner

from apps.components.view import View
from apps.i18n import load
from apps.operations import stream_detail
from tests.apps import marts
from tests.apps.test_pages import Opened, opened, said
from tillmill.cli import app

__all__ = ["opened"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_finding_names_the_worst_kind_of_trouble_and_how_many_need_somebody(
    opened: Opened, full: Path, language: str
) -> None:
    words = load(language)
    finding = words("health.finding.quarantined", streams=4, needy=3, count=1, stream="pos · pos\\.sale\\_lines")
    assert finding in said(opened("data_health", full, lang=language))


def test_a_source_that_stopped_comes_before_what_is_in_quarantine(opened: Opened, tmp_path: Path) -> None:
    root = marts.publish(tmp_path, marts.marts())
    (root / "logs").mkdir()
    note = {"failed": "", "failed_streams": {"wms wms.stock": "connection **refused**\nThe cursor stands."}}
    (root / "logs" / "last_run.json").write_text(json.dumps(note))
    words = load("en")
    at = opened("data_health", root, lang="en")
    assert words("health.finding.stopped", streams=4, needy=3, count=1, stream="wms · wms\\.stock") in said(at)
    one = opened("data_health", root, lang="en", stream="wms/wms.stock")
    assert "connection \\*\\*refused\\*\\*" in said(one), "a source's words are text"
    assert "cursor" not in said(one)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("stream", ["pos/pos.sale_lines", "wms/wms.stock", "pos/pos.stores", "mes/mes.results"])
def test_every_stream_has_its_detail(opened: Opened, full: Path, stream: str, language: str) -> None:
    at = opened("data_health", full, lang=language, stream=stream)
    assert not at.exception
    assert not at.error
    assert len(at.metric) == 4
    tables = at.get("bidi_component")
    assert len(tables) == (3 if stream == "pos/pos.sale_lines" else 0)
    assert at.code
    assert "![x](" not in said(at)
    assert ("PRICE" in said(at)) == (stream == "pos/pos.sale_lines")


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "Retyped: was a number with a decimal comma or a date as 00/00/yyyy, now also text"),
        ("zh", "类型变化：原为带小数逗号的数字或日期（00/00/yyyy），现也有文本"),
    ],
)
def test_a_change_of_type_is_told_in_words(language: str, told: str) -> None:
    view = cast(View, SimpleNamespace(words=load(language)))
    row = {"change": "retyped", "old_kind": "number 0,0, date 00/00/yyyy", "new_kind": "text"}
    assert stream_detail._said_of_field(view, row) == told


def test_the_commands_of_the_detail_are_commands_of_the_product(opened: Opened, full: Path) -> None:
    at = opened("data_health", full, lang="en", stream="pos/pos.sale_lines")
    typed = [shlex.split(element.value) for element in at.code]
    assert ["tillmill", "quarantine", "show", "pos", "pos.sale_lines"] in typed
    for program, *words in typed:
        assert program == "tillmill"
        helped = CliRunner().invoke(app, [*words, "--help"])
        assert helped.exit_code == 0, helped.output


def test_filters_narrow_the_figures(opened: Opened, full: Path) -> None:
    def landed(**address: str) -> str:
        return str(opened("data_health", full, lang="en", **address).metric[1].value)

    assert landed() == "294"
    assert landed(system="pos") == "196"
    assert landed(source="wms") == "98"
    assert landed(state="never") == "0"


def test_streams_without_a_source_are_folded_into_one_line(opened: Opened, full: Path) -> None:
    at = opened("data_health", full, lang="en")
    assert [fold.label for fold in at.expander] == [load("en")("health.unconnected", count=1)]
    assert "ads\\.daily" in said(at)
