"""Names in Latin letters, so that a person who writes in two scripts is one person."""

from __future__ import annotations

import polars as pl
from pypinyin import lazy_pinyin

from customers.roles import COMPOUND_SURNAMES

HAN = r"\p{Han}"


def in_latin(names: pl.Series) -> pl.Series:
    """Return each name in small letters, a Chinese one in Pinyin as `given surname`, others as they are."""
    written = names.drop_nulls().unique()
    chinese = written.filter(written.str.contains(HAN))
    spelled = pl.Series([_pinyin(name) for name in chinese], dtype=pl.String)
    return names.str.to_lowercase().replace(chinese.str.to_lowercase(), spelled)


def _pinyin(name: str) -> str:
    length = 2 if name.startswith(COMPOUND_SURNAMES) else 1
    return f"{''.join(lazy_pinyin(name[length:]))} {''.join(lazy_pinyin(name[:length]))}".strip()
