"""Fits a model of how texts feel; only whoever trains needs it, scoring does not."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_matrix, diags
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from customers.voice import grams
from customers.voice.model import BIAS, Model, Numbers, from_table

RAREST = 3  # texts in which a gram must stand
KEPT = 60_000  # grams of a shipped model
_LETTERS = re.compile(r"[\W_]+")


def fit_model(
    texts: Sequence[str],
    is_good: Sequence[bool],
    *,
    language: str,
    groups: Sequence[str] | None = None,
    kept: int | None = None,
    strength: float = 0.1,
) -> Model:
    """A linear support vector machine on grams sized by what they tell (Wang and Manning 2012), calibrated by Platt.

    `groups` (a category per text) makes every group and label weigh alike; `kept` bounds the grams, those that weigh
    most stay; less `strength` trusts single grams less. Raises ValueError where a label or any common gram is missing.
    """
    vocabulary, words = common_grams(texts)
    seen = grams.presence(texts, vocabulary)
    return fit_seen(seen, words, is_good, language=language, groups=groups, kept=kept, strength=strength)


def fit_seen(
    seen: csr_matrix,
    words: Sequence[str],
    is_good: Sequence[bool],
    *,
    language: str,
    groups: Sequence[str] | None = None,
    kept: int | None = None,
    strength: float = 0.1,
) -> Model:
    """`fit_model` of texts whose grams have been read: texts by grams, and the characters of each gram."""
    good = np.asarray(is_good, dtype=np.float64)
    if not 0 < good.sum() < len(good):
        raise ValueError("training needs texts of both labels")
    if not words:
        raise ValueError(f"training needs more texts: none of their letters come together in {RAREST} of them")
    share = _shares(good, groups)
    sizes = telling_sizes(seen, good, share)
    weights, intercept = _fit(_sized(seen, sizes), good, share, strength)
    if kept is not None and kept < len(words):
        stay = np.sort(np.argsort(-np.abs(weights * sizes))[:kept])
        words, sizes = [words[at] for at in stay], sizes[stay]
        seen = seen[:, stay]
        weights, intercept = _fit(_sized(seen, sizes), good, share, strength)
    slope = _slope(_sized(seen, sizes), good, share, strength)
    table = pl.DataFrame(
        {"gram": [BIAS, *words], "size": [slope, *sizes], "weight": [intercept, *weights]}
    )  # rounded, so that the table on disk is the model in memory
    return from_table(table.with_columns(pl.col("size", "weight").round_sig_figs(4)), language, "trained")


def table_of(model: Model) -> pl.DataFrame:
    """gram, size, weight, as `read_model` takes it."""
    head = pl.DataFrame({"gram": [BIAS], "size": [model.slope], "weight": [model.intercept]})
    body = pl.DataFrame({"gram": list(model.grams), "size": model.sizes, "weight": model.weights})
    return pl.concat([head, body.sort("gram")])


def same_text(text: str) -> str:
    """What two copies of one review share: its letters, without spaces, punctuation or case."""
    return _LETTERS.sub("", grams.normal(text))


def common_grams(texts: Sequence[str]) -> tuple[grams.Hashes, list[str]]:
    """Grams of at least RAREST texts, sorted by number, and their characters."""
    counted = [np.empty(0, np.uint64)]
    for _, chunk in grams.chunks(texts):
        owner, number = grams.spans(chunk)
        order = np.lexsort((owner, number))
        owner, number = owner[order], number[order]
        first = np.ones(len(number), bool)
        first[1:] = (number[1:] != number[:-1]) | (owner[1:] != owner[:-1])
        counted.append(number[first])
    number, times = np.unique(np.concatenate(counted), return_counts=True)
    vocabulary = number[times >= RAREST]
    return vocabulary, grams.characters_of(texts, vocabulary)


def telling_sizes(seen: csr_matrix, good: Numbers, share: Numbers) -> Numbers:
    """How big a gram is in a text: its rarity times the root of its log-count ratio between good and bad."""
    with_good, with_bad = seen.T @ (share * good), seen.T @ (share * (1 - good))
    all_good, all_bad = (share * good).sum(), (share * (1 - good)).sum()
    ratio = np.log((with_good + 1) / (all_good + 1)) - np.log((with_bad + 1) / (all_bad + 1))
    rarity = np.log((share.sum() + 1) / (seen.T @ share + 1)) + 1
    sizes: Numbers = np.sqrt(np.abs(ratio)) * rarity
    return sizes


def _sized(seen: csr_matrix, sizes: Numbers) -> csr_matrix:
    """Texts as vectors of gram sizes, each of length one."""
    sized = seen @ diags(sizes.astype(np.float32))
    length = np.sqrt(np.asarray(sized.multiply(sized).sum(axis=1)).ravel())
    length[length == 0] = 1
    return csr_matrix(diags((1 / length).astype(np.float32)) @ sized)


def _fit(sized: csr_matrix, good: Numbers, share: Numbers, strength: float) -> tuple[Numbers, float]:
    machine = LinearSVC(C=strength, dual=False, tol=1e-3, max_iter=500)
    machine.fit(sized, good, sample_weight=share)
    return machine.coef_[0].astype(np.float64), float(machine.intercept_[0])


def _slope(sized: csr_matrix, good: Numbers, share: Numbers, strength: float) -> float:
    """How steeply the chance of good rises with the margin (Platt 1999), on texts that the fit has not seen."""
    aside = np.arange(len(good)) % 5 == 0
    weights, intercept = _fit(sized[~aside], good[~aside], share[~aside], strength)
    margins = sized[aside] @ weights + intercept
    curve = LogisticRegression(C=1e6, fit_intercept=False)
    curve.fit(margins.reshape(-1, 1), good[aside], sample_weight=share[aside])
    return float(curve.coef_[0, 0])


def _shares(good: Numbers, groups: Sequence[str] | None) -> Numbers:
    """The weight of each text, 1 in the mean: every group and label together weighs alike."""
    keys = [f"{is_good} {group}" for is_good, group in zip(good, groups or [""] * len(good), strict=True)]
    _, place, size = np.unique(keys, return_inverse=True, return_counts=True)
    share: npt.NDArray[np.float64] = len(good) / len(size) / size[place]
    return share
