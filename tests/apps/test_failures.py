"""What the portal refuses is said in the reader's language: rules, weeks set by hand, lists of people."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

import polars as pl
import pytest

from apps.components import failures
from apps.i18n import LANGUAGES, load
from customers import rules, segments
from ingestion.landing.locks import run_lock
from tests.apps import marts
from tillmill import actions
from tillmill.actions import Scope, create_workspace
from tillmill.errors import RefusedError, TillmillError, UsageError
from tillmill.warehouse import read_table

COLUMNS = {"days": pl.Int64(), "name": pl.String(), "seen_on": pl.Date(), "is_member": pl.Boolean()}
ENGLISH = re.compile(r"[A-Za-z]{2,} [A-Za-z]{2,} [A-Za-z]{2,}")


def refusal(action: Callable[[], object]) -> TillmillError:
    with pytest.raises(TillmillError) as caught:
        action()
    return caught.value


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (" ", "规则为空；例如：recency_days > 60 and marketing_media like '%email%'"),
        ("d" * 2_001, "规则有 2,001 个字符，最多 2,000 个。"),
        ("name", "整条规则是文本，不是可判断真假的条件。"),
        ("days >", '规则在第 8 个字符处无法读取，位于 ")" 附近。'),
        ("name = 'x", "规则在第 8 个字符处的引号没有结束。"),
        ("days > 1) union (select 1", "规则不止一个条件。"),
        ("foo > 1", "没有列 'foo'；可用的列：days, name, seen_on, is_member"),
        ("seen_on > 'soon'", "'soon' 不是日期；写法如：date '2017-12-31'"),
        ("name like name", "like 只能用文本列与文本比较。"),
        ("not days", "'days' 是数字，不是条件。"),
        ("days > 'many'", "\"days > 'many'\" 拿数字与文本比较。"),
        ("lower(name) = 'x'", "'lower(name)'：规则中没有函数 lower。"),
        ("cast(days as text) = '1'", "'cast(days as text)'：规则中不能转换为 text。"),
        ("days in (select 1)", "'(select 1)'：规则中没有 subquery。"),
    ],
)  # fmt: skip
def test_a_rule_is_refused_in_the_readers_language(rule: str, said: str) -> None:
    assert failures.said(load("zh"), refusal(lambda: rules.read_rule(rule, COLUMNS))) == said


@pytest.mark.parametrize("room", [rules, segments.checked], ids=lambda room: room.__name__)
def test_every_refusal_of_a_rule_has_words(room: object) -> None:
    """One added there without words here would be English on the Chinese page."""
    raised = [
        node.args[0]
        for node in ast.walk(ast.parse(inspect.getsource(room)))  # type: ignore[arg-type]
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "UsageError"
    ]
    assert raised
    for text in (_sample(node) for node in raised):
        for language in LANGUAGES:
            assert failures.in_words(load(language), text), text


def _sample(node: ast.expr) -> str:
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "1" for part in parts)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_people_do_is_refused_in_the_readers_language(tmp_path: Path, language: str) -> None:
    workspace = create_workspace(tmp_path, marts.SETTINGS)
    root = marts.publish(workspace.root, marts.marts())
    read = partial(read_table, root / "published" / "warehouse-test-1.duckdb")
    words = load(language)

    def refused(action: Callable[[], object]) -> str:
        text = failures.said(words, refusal(action))
        assert language == "en" or not ENGLISH.search(text), text
        return text

    def asked(week: date) -> object:
        told = {"reason": "event", "note": "n", "author": "kim", "expires_on": None}
        return actions.override_forecast(root, Scope(), {week: 1.0}, read=read, **told)  # type: ignore[arg-type]

    def exported(campaign: str) -> object:
        return actions.export_segment(
            root, "lost", purpose="marketing", medium="email", campaign=campaign, by="kim", read=read
        )

    assert refused(lambda: asked(date(2001, 1, 1))) == words(
        "failure.no_forecast", week={"en": "1 Jan 2001", "zh": "2001年1月1日"}[language]
    )
    assert refused(lambda: exported("Not one")) == words("failure.campaign", name="'Not one'")
    assert refused(lambda: exported("spring")) == words("failure.not_landed", stream="crm.consents")
    assert refused(lambda: actions.save_segment(root, "No", "n", "days > 1", author="kim", read=read)) == words(
        "failure.segment_id", name="'No'"
    )
    with run_lock(workspace):
        assert refused(lambda: exported("spring")) == words("failure.locked")
    forgetting = RefusedError("somebody is being forgotten", state="Nothing was exported.")
    assert failures.said(words, forgetting) == words("failure.forgetting")


def test_an_error_without_words_stays_as_it_was_given() -> None:
    error = UsageError("a thing nobody wrote before", state="All stands.", next_command="tillmill status")
    assert failures.said(load("zh"), error) == "a thing nobody wrote before\nAll stands.\nNext: tillmill status"
