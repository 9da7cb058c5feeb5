"""Phones and e-mails inside free text are masked: `138****0000`, `l***@example.com`; all other text stays as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

# Full-width forms one by one to plain ones: a match found in the plain text has the same place in the original.
_NARROW = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {
    0x3000: 0x20,
    0xA0: 0x20,
    0x2013: 0x2D,
    0x2011: 0x2D,
}

_WORD = r"tel|phone|mobile|cell|call|sms|whatsapp"
_START = rf"(?:(?<![0-9A-Za-z_])|{'|'.join(f'(?<={word})' for word in _WORD.split('|'))})(?<![0-9][.\-/])"
_END = r"(?![0-9A-Za-z_])(?!\.[0-9])"
_CHINESE_MOBILE = r"(?:(?:\+|00)?86[ \-]?)?1[3-9][0-9][ \-]?[0-9]{4}[ \-]?[0-9]{4}"
_INTERNATIONAL = r"\+[1-9][0-9]{0,2}(?:[ .\-]?\(?[0-9]{1,5}\)?){2,6}"
_NORTH_AMERICAN = r"(?:1[ .\-]?)?(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[ .\-])[2-9][0-9]{2}[ .\-][0-9]{4}"
# A trunk prefix, set apart: 020 7946 0958, (021) 6888 8888, 0755-8888888.
_NATIONAL = r"(?:\(0[1-9][0-9]{1,3}\) ?|0[1-9][0-9]{1,3}[ \-])[0-9]{3,4}[ \-]?[0-9]{3,4}"
_PHONE = re.compile(
    rf"{_START}(?:{_INTERNATIONAL}|{_CHINESE_MOBILE}|{_NORTH_AMERICAN}|{_NATIONAL}){_END}", re.IGNORECASE
)
# Digits that only a word before them makes a phone.
_NAMED = re.compile(rf"(?:{_WORD}|电话|手机|微信|致电|联系)[^0-9\n]{{0,6}}([0-9]{{7,11}}){_END}", re.IGNORECASE)
# Digits that a word before them makes an order, a parcel or an article.
_NUMBERED = re.compile(
    r"(?:order|invoice|parcel|tracking|ref|receipt|gtin|ean|sku|lot|batch|no|nr|#|№|订单|单|运单|编|货|批|条码)"
    r"[ .:#]*号?[ .:#]*$",
    re.IGNORECASE,
)
_NAME, _DOMAIN = r"[A-Za-z0-9][A-Za-z0-9._%+\-]*", r"@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)*\.[A-Za-z]{2,}"
_EMAIL, _ADDRESS = re.compile(f"{_NAME}(?={_DOMAIN})"), re.compile(f"{_NAME}{_DOMAIN}")
# What a text needs to hold one at all; the rest of a column is never looked at text by text.
_SUSPECT = r"@|＠|(?:[0-9０-９][^0-9０-９]{0,3}){7}"
_FEWEST, _MOST = 7, 17


def mask(text: str, *, is_name: bool = False) -> str:
    """The text with the middle of every phone and the name of every e-mail address as `*`, else as it is.

    In the name of a file or a field (`is_name`) an underscore parts words.
    """
    plain = text.translate(_NARROW)
    plain = plain.replace("_", " ") if is_name else plain
    hidden: set[int] = set()
    for found in _PHONE.finditer(plain):
        if not (found.group().isdigit() and _NUMBERED.search(plain[: found.start()][-16:])):
            hidden |= _middle(plain, found.start(), found.end())
    for found in _NAMED.finditer(plain):
        hidden |= _middle(plain, found.start(1), found.end(1))
    masked = "".join("*" if place in hidden else letter for place, letter in enumerate(text)) if hidden else text
    for found in reversed(list(_EMAIL.finditer(plain))):
        masked = f"{masked[: found.start() + 1]}***{masked[found.end() :]}"
    return masked


def mask_column(values: pl.Series) -> tuple[pl.Series, pl.Series]:
    """A text column with `mask` applied, and True for each text that it changed."""
    suspects = values.filter(values.str.contains(_SUSPECT).fill_null(False)).unique()
    changed = {text: masked for text in suspects if (masked := mask(text)) != text}
    if not changed:
        return values, pl.repeat(False, values.len(), dtype=pl.Boolean, eager=True)
    return values.replace(list(changed), list(changed.values())), values.is_in(list(changed)).fill_null(False)


def spoken(text: str) -> Iterator[str]:
    """The phones and e-mail addresses within a text, as they stand there."""
    plain = text.translate(_NARROW)
    yield from (found.group() for found in _PHONE.finditer(plain))
    yield from (found.group(1) for found in _NAMED.finditer(plain))
    yield from (found.group() for found in _ADDRESS.finditer(plain))


def _middle(plain: str, start: int, end: int) -> set[int]:
    """The places of a phone's middle digits: at least four are hidden, the first three and up to four last stay."""
    digits = [place for place in range(start, end) if plain[place].isdigit()]
    if not _FEWEST <= len(digits) <= _MOST:
        return set()
    # The country code is no part of what tells one person from another.
    national = digits[-11:] if len(digits) > 11 else digits
    last = max(0, min(4, len(national) - 7))
    return set(national[3 : len(national) - last])
