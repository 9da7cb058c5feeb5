"""Both languages say everything, and no page says anything of its own."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import numpy as np
import pytest

from apps.i18n import LANGUAGES, load
from apps.operations.demand import method
from forecasting import backtest, classes, engine, launch, models, weekly

APPS = Path(__file__).parents[2] / "apps"
DRAWING = sorted(
    [*APPS.glob("marketing/*.py"), *APPS.glob("operations/*.py"), *APPS.glob("components/*.py"), APPS / "portal.py"]
)
CHINESE = re.compile(r"[\u4e00-\u9fff]")
MARKUP = re.compile(r"<[^>]*>?")
SENTENCE = re.compile(r"[A-Za-z]{2,} [A-Za-z]{2,}")
# Their English is that of the errors which they look for, none of their own.
PATTERNS = ("failures.py",)
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
            assert file.name in PATTERNS or not SENTENCE.search(text), text


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


def test_every_method_of_a_forecast_has_a_word() -> None:
    blends = [*engine.CANDIDATES.values(), *engine.UNTRIED.values()]
    unblended = np.array([classes.DEAD, classes.CONSTANT])
    fixed = engine.mix({models.SMOOTHING: np.ones((2, 1))}, {}, unblended)[1].tolist()
    steps = [backtest.NAIVE, backtest.MOVING, backtest.STATISTICAL]
    names = {name for blend in blends for name in blend} | {*fixed, *steps, launch.LAUNCH, weekly.RETIRED}
    for language in LANGUAGES:
        assert [name for name in sorted(names) if not load(language).knows(f"method.{name}")] == []


def test_every_part_of_a_mix_of_methods_is_said_in_the_readers_language() -> None:
    chinese = load("zh")
    mixed = engine.in_words({models.BOOSTING: 0.5, models.YEARLY: 0.25, models.TSB: 0.25})
    assert method(chinese, mixed) == "½ 梯度提升 + ¼ TSB + ¼ 季节指数平滑"
    assert method(chinese, engine.in_words({models.SBA: 1 / 3, models.SMOOTHING: 2 / 3})) == "0.67 指数平滑 + 0.33 SBA"
    assert method(chinese, weekly.RETIRED) == "已停售"
    assert method(chinese, "0.50 guessing + 0.50 TSB") == "½ guessing + ½ TSB"


def test_every_kind_of_place_has_a_word() -> None:
    described = (APPS.parent / "dbt_project/models/marts/product/_product.yml").read_text(encoding="utf-8")
    allowed = re.search(r"kind in \(([^)]+)\)", described)
    assert allowed
    kinds = re.findall(r"'(\w+)'", allowed[1])
    assert "store" in kinds
    for language in LANGUAGES:
        assert [kind for kind in kinds if not load(language).knows(f"place_kind.{kind}")] == []


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(KeyError):
        load("../en")
