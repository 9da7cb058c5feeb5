"""What kind of value a raw field holds, told from its texts: a number, a date and how it is written, or any text."""

from __future__ import annotations

import functools
import re
from collections import Counter

import polars as pl

# So many values of a page are looked at, spread over it; a kind counts from one in a hundred on.
LOOKED_AT = 500
LEAST_SHARE = 0.01
# A longer text is no number and no date.
_LONGEST = 48

NUMBER, COMMA, BOOLEAN, TEXT = "number", "number 0,0", "boolean", "text"
_NUMBER = re.compile(r"[+-]?(0+(\.0+)?|0{1,3}(,0{3})+(\.0+)?|\.0+)(e[+-]?0+)?")
_COMMA = re.compile(r"[+-]?0{1,3}((\.0{3})*|0*),0+")
_BOOLEAN = re.compile(r"true|false|yes|no|是|否")
_DATE = (
    r"(?P<first>0000([-/.])00?\2(00?)|0000年00?月00?日)"
    r"|(?P<last>00?([-/.])00?\5(0000|00))"
    r"|(?P<named>00?[- ][a-z]{3}[- ]0000)"
)
_WHEN = re.compile(rf"(?:{_DATE})(?P<time>[t ]00?:00(:00([.,]0+)?)?)?(?P<zone> ?(z|utc|[+-]00:?(00)?))?")
_DIGIT = re.compile(r"[0-9]")


def kinds(values: pl.Series) -> list[str]:
    """The kinds of a text column's values, by name; none where it states nothing.

    One of `number`, `number 0,0` (with a decimal comma), `boolean`, `text`, `date FORMAT` and `time FORMAT`, whose
    format is written with y, m, d where the year comes first and with 0 where day and month cannot be told apart.
    """
    stated = values.drop_nulls().cast(pl.String)
    seen = stated.gather_every(max(1, stated.len() // LOOKED_AT)).str.strip_chars().str.to_lowercase()
    found = Counter(kind_of(text) for text in seen if text)
    least = LEAST_SHARE * found.total()
    return sorted(kind for kind, count in found.items() if count >= least)


def kind_of(text: str) -> str:
    """The kind of one value, which is in small letters."""
    return TEXT if len(text) > _LONGEST else _kind_of_shape(text if text.isalpha() else _DIGIT.sub("0", text))


@functools.lru_cache(4096)
def _kind_of_shape(shape: str) -> str:
    for kind, pattern in ((NUMBER, _NUMBER), (COMMA, _COMMA), (BOOLEAN, _BOOLEAN)):
        if pattern.fullmatch(shape):
            return kind
    found = _WHEN.fullmatch(shape)
    if found is None:
        return TEXT
    zone = " +00:00" if found["zone"] else ""
    return f"{'time' if found['time'] else 'date'} {_format(found)}{zone}"


def _format(found: re.Match[str]) -> str:
    """A format by its separators; one digit and two are written alike by many systems."""
    if found["named"]:
        return "dd mmm yyyy"
    if found["last"]:
        sign = found[5]
        return f"00{sign}00{sign}{found[6].replace('0', 'y')}"
    return "yyyy年mm月dd日" if "年" in found["first"] else "yyyy{0}mm{0}dd".format(found[2])
