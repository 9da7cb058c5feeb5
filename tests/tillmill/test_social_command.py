"""`tillmill social`: texts of anybody's file are read, and a model of one's own is trained and used."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from tillmill.cli import app
from tillmill.errors import UsageError


def call(*words: str) -> str:
    done = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_sentiment_keeps_the_files_rows_and_says_how_each_reads(tmp_path: Path) -> None:
    file, out = tmp_path / "said.csv", tmp_path / "read.csv"
    texts = ["很好喝，会回购", "发霉了，太失望了", "Tastes great", "Привет", None]
    pl.DataFrame({"id": ["01", "02", "03", "04", "05"], "said": texts}).write_csv(file)
    figures = json.loads(call("social", "sentiment", str(file), "--text", "said", "--out", str(out), "--json"))
    assert (figures["texts"], figures["good"], figures["bad"], figures["unknown"]) == (5, 2, 1, 2)
    assert figures["languages"] == {"en": 1, "und": 2, "zh": 2}
    read = pl.read_csv(out)
    assert read.columns == ["id", "said", "score", "label", "language", "themes"]
    assert read["label"].to_list() == ["good", "bad", "good", "unknown", "unknown"]
    assert read["themes"].to_list()[:3] == ["taste,loyalty", "freshness", "taste"]
    assert read["score"].is_between(-1, 1).sum() == 3


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    pl.DataFrame({"said": ["x"]}).write_csv(tmp_path / "a.csv")
    with pytest.raises(UsageError, match=r"no column 'text'; it has said"):
        call("social", "sentiment", str(tmp_path / "a.csv"), "--text", "text", "--out", str(tmp_path / "b.csv"))


def test_a_model_of_ones_own_is_trained_and_used(tmp_path: Path) -> None:
    """Words that nobody else knows: gribbly is good, snodge is bad."""
    labelled, weights, out = tmp_path / "mine.parquet", tmp_path / "weights", tmp_path / "read.parquet"
    texts = [
        "a gribbly one",
        "so gribbly today",
        "gribbly, as ever",
        "what a snodge",
        "snodge again",
        "such snodge",
    ] * 3
    pl.DataFrame({"text": texts, "good": [1, 1, 1, 0, 0, 0] * 3}).write_parquet(labelled)
    figures = json.loads(
        call(
            *("social", "train", str(labelled), "--text", "text", "--label", "good"),
            *("--out", str(weights / "en.csv"), "--json"),
        )
    )
    assert (figures["texts"], figures["good"]) == (18, 9)
    said = tmp_path / "said.parquet"
    pl.DataFrame({"text": ["gribbly!", "a snodge"]}).write_parquet(said)
    call("social", "sentiment", str(said), "--text", "text", "--out", str(out), "--weights", str(weights))
    assert pl.read_parquet(out)["label"].to_list() == ["good", "bad"]


@pytest.mark.parametrize(
    ("label", "out", "words"),
    [
        (["1", "maybe"], "en.csv", r"column 'good', row 2: 'maybe' is neither 1 nor 0"),
        (["1", "0"], "fr.csv", r"weights are named by their language, zh\.csv or en\.csv"),
        (["1", "1"], "en.csv", "training needs texts of both labels"),
    ],
)
def test_what_cannot_be_trained_is_said_in_one_sentence(tmp_path: Path, label: list[str], out: str, words: str) -> None:
    file = tmp_path / "mine.csv"
    pl.DataFrame({"text": ["good", "bad"], "good": label}).write_csv(file)
    with pytest.raises(UsageError, match=words):
        call("social", "train", str(file), "--text", "text", "--label", "good", "--out", str(tmp_path / out))
