"""Reads posts: how each one feels, in which language, about what and of which product."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from customers.voice import mentions, themes
from customers.voice.languages import LANGUAGES, language_of
from customers.voice.model import Model, label, shipped

SENTIMENT: dict[str, type[pl.DataType] | pl.DataType] = {
    "score": pl.Float64,
    "label": pl.String,
    "language": pl.String,
    "themes": pl.List(pl.String),
}
_POST = ["platform", "post_id"]
# A bare question asks; what its words pull is no verdict.
_ASKS = ("?", "？", "吗")


def read_texts(texts: Sequence[str | None], models: Mapping[str, Model] | None = None) -> pl.DataFrame:
    """score (-1 bad to 1 good), label (good, neutral, bad), language (zh, en, und) and themes of each text, in order.

    A text in no language we read, or without a letter, scores null and is labelled `unknown`.
    """
    models = models or shipped()
    words = [text or "" for text in texts]
    languages = np.array([language_of(text) for text in words], dtype=object)
    scores: list[float | None] = [None] * len(words)
    for language in LANGUAGES:
        places = np.flatnonzero(languages == language)
        found = models[language].scores([words[place] for place in places])
        for place, score in zip(places, found, strict=True):
            scores[place] = float(score) if not _only_asks(words[place]) else round(float(score) / 4, 4)
    labels = ["unknown" if score is None else label(score) for score in scores]
    return pl.DataFrame(
        {
            "score": scores,
            "label": labels,
            "language": languages.tolist(),
            "themes": [themes.themes_of(text) for text in words],
        },
        schema=SENTIMENT,
    )


def read_posts(posts: pl.DataFrame, products: pl.DataFrame) -> pl.DataFrame:
    """The rows of `social.sentiment` for posts (platform, post_id, text, sku_hint) and products (see `products_of`)."""
    said = read_texts(posts["text"].to_list())
    about = mentions.products_of(posts, products)
    return pl.concat([posts.select("platform", "post_id"), said, about.select("sku")], how="horizontal").with_columns(
        pl.col("themes").map_elements(lambda found: json.dumps(list(found)), return_dtype=pl.String),
        model_version=pl.lit(model_version()),
    )


def new_readings(posts: pl.DataFrame, products: pl.DataFrame, landed: pl.DataFrame) -> pl.DataFrame:
    """Rows of `social.sentiment` that did not land yet (`landed`: those that did), by this model version.

    Read are posts without a reading, and those their platform told again (`observed_at`) since theirs; of the latter
    only what reads otherwise now is kept, so that a post's growing likes add no row.
    """
    known = landed.filter(pl.col("model_version") == model_version()).sort("observed_at").unique(_POST, keep="last")
    seen = known.select(*_POST, read_at="observed_at")
    due = posts.join(seen, on=_POST, how="left").filter(
        pl.col("read_at").is_null() | (pl.col("observed_at") > pl.col("read_at"))
    )
    # One post may come by two sources; it is read once, as told last.
    due = due.sort("observed_at", "_source").unique(_POST, keep="last").sort(_POST)
    said = read_posts(due, products)
    return said.join(known, on=[*_POST, *SENTIMENT, "sku"], how="anti", nulls_equal=True, maintain_order="left")


def model_version() -> str:
    """Names what reads: the weights of every language and the themes; posts read by another are read again."""
    parts = [f"{language} {model.version}" for language, model in sorted(shipped().items())]
    return hashlib.sha256(" ".join([*parts, themes.VERSION]).encode()).hexdigest()[:12]


def _only_asks(text: str) -> bool:
    """Whether the text is one question and nothing else."""
    text = text.strip()
    body = text.rstrip("?？")
    return text.endswith(_ASKS) and not any(mark in body for mark in "。！!.;；，,")
