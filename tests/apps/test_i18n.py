"""Both languages say everything, and no page says anything of its own."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from apps.i18n import LANGUAGES, load

APPS = Path(__file__).parents[2] / "apps"
DRAWING = sorted(
    [*APPS.glob("marketing/*.py"), *APPS.glob("operations/*.py"), *APPS.glob("components/*.py"), APPS / "portal.py"]
)
CHINESE = re.compile(r"[\u4e00-\u9fff]")
MARKUP = re.compile(r"<[^>]*>?")
SENTENCE = re.compile(r"[A-Za-z]{2,} [A-Za-z]{2,}")
CODE = re.compile(r"datum|Inter,|\\|only a lift|no store had|every store|stores without")
TERMS = {
    "term.roi": ("Promotion ROI", "促销投资回报率"),
    "verdict.not_measurable": ("Not measurable", "无法测定"),
    "nav.overview": ("Overview", "总览"),
    "nav.channels": ("Channels", "渠道"),
    "nav.customers": ("Customers", "客户"),
    "nav.promotions": ("Promotions", "促销"),
    "nav.voice": ("Voice of customer", "用户声音"),
    "nav.demand": ("Demand", "需求预测"),
    "nav.stock": ("Stock", "库存"),
    "nav.production": ("Production plan", "生产计划"),
    "nav.factory": ("Factory", "工厂现场"),
    "nav.traceability": ("Traceability", "质量追溯"),
    "nav.data_health": ("Data health", "数据健康"),
}


def test_both_languages_have_the_same_keys_and_the_same_places_to_fill() -> None:
    english, chinese = load("en").texts, load("zh").texts
    assert english.keys() == chinese.keys()
    for key, text in english.items():
        places = [sorted(set(re.findall(r"{(\w+)}", words))) for words in (text, chinese[key])]
        assert places[0] == places[1], key


def test_no_text_is_empty() -> None:
    for language in LANGUAGES:
        assert [key for key, text in load(language).texts.items() if not text.strip()] == []


@pytest.mark.parametrize("key", TERMS)
def test_terms_are_those_of_the_glossary(key: str) -> None:
    assert (load("en")(key), load("zh")(key)) == TERMS[key]


@pytest.mark.parametrize("file", DRAWING, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_page_holds_a_visible_literal(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    documented = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    codes = {key.partition(".")[2] for key in load("en").texts}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented:
            text = MARKUP.sub("", node.value)
            if text in codes or (file.name in ("charts.py", "reasons.py") and CODE.search(text)):
                continue
            assert not CHINESE.search(text), text
            assert not SENTENCE.search(text), text


@pytest.mark.parametrize("file", DRAWING, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_key_a_page_asks_for_exists(file: Path) -> None:
    known = load("en").texts
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
            continue
        name = (
            node.func.id
            if isinstance(node.func, ast.Name)
            else node.func.attr
            if isinstance(node.func, ast.Attribute)
            else ""
        )
        if name == "words":
            assert node.args[0].value in known, node.args[0].value


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(KeyError):
        load("../en")
