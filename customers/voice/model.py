"""How a text feels: a linear model over grams, read from a table that anybody can open."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from customers.voice import grams
from customers.voice.grams import Hashes
from customers.voice.languages import LANGUAGES

WEIGHTS = Path(__file__).parent / "weights"
BIAS = ""  # the row of the empty gram holds the intercept and the slope of the calibration
# Of -1 to 1: between them a text is neutral. At 0.25 the odds of good against bad are 5 to 3.
NEUTRAL_BELOW = 0.25

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Model:
    """One language's model: sorted gram numbers, the size of each gram in a text, its weight, and the calibration."""

    language: str
    version: str
    grams: tuple[str, ...]
    hashes: Hashes
    sizes: Numbers
    weights: Numbers
    intercept: float
    slope: float

    def margins(self, texts: Sequence[str]) -> Numbers:
        """The distance of each text from the border, positive for good; 0 where no gram of it is known.

        Each text is a vector of the sizes of its grams, brought to length one.
        """
        margins = np.zeros(len(texts))
        for start, chunk in grams.chunks(texts):
            row, place = grams.found(chunk, self.hashes)
            size = self.sizes[place]
            length = np.sqrt(np.bincount(row, size * size, len(chunk)))
            pull = np.bincount(row, size * self.weights[place], len(chunk))
            known = length > 0
            margins[start : start + len(chunk)][known] = pull[known] / length[known] + self.intercept
        return margins

    def scores(self, texts: Sequence[str]) -> Numbers:
        """Twice the calibrated chance of good, less one: -1 (bad) to 1 (good), to four digits."""
        scores = np.round(np.tanh(self.slope * self.margins(texts) / 2), 4) + 0.0
        return scores.astype(np.float64)

    def reasons(self, text: str, most: int = 8) -> pl.DataFrame:
        """gram, pull: what moves one text most, strongest first."""
        _, place = grams.found([grams.normal(text)], self.hashes)
        size = self.sizes[place]
        pulls = size * self.weights[place] / max(float(np.sqrt((size * size).sum())), 1e-12)
        found = pl.DataFrame({"gram": [self.grams[at] for at in place], "pull": pulls}, schema_overrides=_REASON)
        return found.sort(pl.col("pull").abs(), "gram", descending=[True, False]).head(most)


_REASON = {"gram": pl.String, "pull": pl.Float64}


def label(score: float) -> str:
    """good, neutral or bad."""
    return "neutral" if abs(score) < NEUTRAL_BELOW else "good" if score > 0 else "bad"


@cache
def shipped() -> dict[str, Model]:
    """The models that come with the product, by language."""
    return {language: read_model(WEIGHTS / f"{language}.csv", language) for language in LANGUAGES}


def models_of(folder: Path) -> dict[str, Model]:
    """The models of a folder, `zh.csv` and `en.csv`; of a language that it lacks, the shipped one."""
    return {
        language: read_model(folder / f"{language}.csv", language) if (folder / f"{language}.csv").exists() else model
        for language, model in shipped().items()
    }


def read_model(path: Path, language: str) -> Model:
    """A model from its table `gram,size,weight`; its version is the hash of the file.

    Raises OSError where there is no file and polars' errors where it is no such table.
    """
    body = path.read_bytes()
    schema = {"gram": pl.String, "size": pl.Float64, "weight": pl.Float64}
    table = pl.read_csv(body, schema=schema).with_columns(pl.col("gram").fill_null(BIAS))
    return from_table(table, language, hashlib.sha256(body).hexdigest()[:12])


def from_table(table: pl.DataFrame, language: str, version: str) -> Model:
    """A model from gram, size, weight; the row of the empty gram has the intercept as weight and the slope as size."""
    known = table.filter(pl.col("gram") != BIAS)
    size, weight = table.filter(pl.col("gram") == BIAS).select("size", "weight").row(0)
    hashes = grams.hashes_of(known["gram"].to_list())
    order = np.argsort(hashes)
    return Model(
        language,
        version,
        tuple(known["gram"].gather(order)),
        hashes[order],
        known["size"].to_numpy()[order],
        known["weight"].to_numpy()[order],
        weight,
        size,
    )
