"""Which product a post speaks of: the one its platform names, else the one whose name stands in it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

NONE = "-"
_WORD = re.compile(r"[a-z0-9']+|[㐀-鿿]+")
_HAN = re.compile("[㐀-鿿]")
# Shorter names stand in too many texts by chance.
_SHORTEST_HAN, _SHORTEST_LATIN = 2, 4


def products_of(posts: pl.DataFrame, products: pl.DataFrame) -> pl.DataFrame:
    """platform, post_id, sku of each post, in order: what it speaks of, `-` where that cannot be told.

    `posts`: platform, post_id, text, sku_hint; `products`: sku, name, gtin where there is one. A platform's own hint
    (SKU or GTIN) that we know wins; else the longest whole name that stands in the text and that one SKU alone has.
    """
    known, names = _hints(products), _names(products)
    skus = [
        known.get((hint or "").strip()) or _only(plain(text or ""), names) or NONE
        for text, hint in posts.select("text", "sku_hint").iter_rows()
    ]
    return posts.select("platform", "post_id", sku=pl.Series(skus, dtype=pl.String))


def with_gtins(products: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """The products, in order, with the `gtin` of each SKU's item; null where no source tells one.

    `products`: sku; `items`: sku, gtin, updated_at, _source. Of several sources that tell a SKU's GTIN, the one that
    spoke last is believed.
    """
    told = items.filter(pl.col("gtin").is_not_null()).sort("updated_at", "_source", descending=[True, False])
    gtins = told.unique("sku", keep="first", maintain_order=True).select("sku", "gtin")
    return products.join(gtins, on="sku", how="left", maintain_order="left")


def plain(text: str) -> str:
    """The words alone, small, a space around each: names are compared as whole words."""
    return f" {' '.join(_WORD.findall(text.lower()))} "


def _hints(products: pl.DataFrame) -> dict[str, str]:
    found = {sku: sku for sku in products["sku"].to_list()}
    if "gtin" in products.columns:
        # A GTIN of several SKUs names none of them.
        gtins = products.filter(pl.col("gtin").is_not_null()).unique("gtin", keep="none")
        found = dict(gtins.select("gtin", "sku").iter_rows()) | found
    return found


def _names(products: pl.DataFrame) -> list[tuple[str, str]]:
    """(words of the name, sku), longest first; a name that several SKUs have tells none of them."""
    owners: dict[str, set[str]] = {}
    for name, sku in products.select("name", "sku").drop_nulls().unique().iter_rows():
        words = plain(name)
        if len(words.strip()) >= (_SHORTEST_HAN if _HAN.search(words) else _SHORTEST_LATIN):
            owners.setdefault(words, set()).add(sku)
    found = [(words, next(iter(skus))) for words, skus in owners.items() if len(skus) == 1]
    return sorted(found, key=lambda pair: (-len(pair[0]), pair))


def _only(words: str, names: Sequence[tuple[str, str]]) -> str | None:
    """The SKU of the longest name in the words; none where two of that length are."""
    longest: dict[str, str] = {}
    for name, sku in names:
        if longest and len(name) < len(next(iter(longest))):
            break
        # Chinese puts no space between words, so a Chinese name may stand within a run of characters.
        if name in words or (_HAN.search(name) and name.strip() in words):
            longest[name] = sku
    return next(iter(longest.values())) if len(longest) == 1 else None
