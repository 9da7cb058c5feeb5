"""Writes numbers, money, changes and dates the way the reader's language does; cards, axes and tables share it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

Figure = float | Decimal | None
NONE = "–"
MINUS = "\u2212"
NEUTRAL_RATE = 0.005
_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "CNY": "¥", "JPY": "¥", "HKD": "HK$", "SGD": "S$", "AUD": "A$"}
STEPS = {"en": ((1e9, "B"), (1e6, "M"), (1e3, "k")), "zh": ((1e8, "亿"), (1e4, "万"))}
SHORT_FROM = 10_000
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ABOVE_ZERO = re.compile(r"[1-9]")
_SHOUTED = re.compile(r"[A-Z]{4}")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&])")


@dataclass(frozen=True)
class Change:
    """A change against an earlier figure: its text with sign, and whether it is 'up', 'down', 'flat' or 'none'."""

    text: str
    direction: str
    rate: float | None


def exact(value: Figure, digits: int = 0) -> str:
    """The figure in full with thousands separators; a dash where there is none."""
    if value is None or value != value:
        return NONE
    rounded = round(float(value), digits)
    text = f"{abs(rounded):,.{digits}f}"
    return f"{MINUS}{text}" if rounded < 0 else text


def short(value: Figure, language: str) -> str:
    """From ten thousand three digits and the language's unit (63.2k, 1.2M; 6.32万, 2.19亿), below it the figure."""
    if value is None or value != value:
        return NONE
    rounded = _significant(abs(float(value)))
    if rounded < SHORT_FROM:
        digits = 0 if rounded >= 100 or float(value).is_integer() else 1
        return exact(value, digits)
    sign = MINUS if value < 0 else ""
    size, unit = next(step for step in STEPS[language] if rounded >= step[0])
    return f"{sign}{_trimmed(rounded / size)}{unit}"


def few(value: Figure) -> str:
    """A small number: one digit after the point below ten, none where that is zero."""
    shown = None if value is None else round(float(value), 1)
    return exact(shown, 0 if shown is None or shown >= 10 or shown.is_integer() else 1)


def money(value: Figure, currency: str, language: str) -> str:
    """`short` with the currency's sign before it; cents below a hundred."""
    small = value is not None and 0 < abs(float(value)) < 100
    return _with_symbol(exact(value, 2) if small else short(value, language), currency)


def money_exact(value: Figure, currency: str, digits: int = 2) -> str:
    """`exact` with the currency's sign before it."""
    return _with_symbol(exact(value, digits), currency)


def percent(rate: Figure, digits: int = 1) -> str:
    """A rate of 0..1 as a percentage; never a negative zero."""
    if rate is None or rate != rate:
        return NONE
    return f"{exact(100 * float(rate), digits)} %"


def change(now: float | None, before: float | None) -> Change:
    """The relative change with its sign; flat within half a percent, none where there is nothing to compare with."""
    if now is None or before is None or before <= 0:
        return Change(NONE, "none", None)
    rate = (float(now) - float(before)) / float(before)
    if abs(rate) <= NEUTRAL_RATE:
        return Change(signed_percent(rate), "flat", rate)
    return Change(signed_percent(rate), "up" if rate > 0 else "down", rate)


def points(now: float | None, before: float | None, unit: str) -> Change:
    """The change of a rate in percentage points; flat within half a point."""
    if now is None or before is None:
        return Change(NONE, "none", None)
    moved = now - before
    text = f"{signed(exact(100 * moved, 1))} {unit}"
    if abs(moved) <= NEUTRAL_RATE:
        return Change(text, "flat", moved)
    return Change(text, "up" if moved > 0 else "down", moved)


def signed_percent(rate: float | None) -> str:
    """A rate as a percentage with its sign, none at zero: +3.1 %, −0.4 %."""
    return signed(percent(rate))


def signed(text: str) -> str:
    """A written figure with a plus where it is above zero as it is written."""
    return text if text.startswith(MINUS) or not _ABOVE_ZERO.search(text) else f"+{text}"


def day(value: date | None, language: str) -> str:
    """A date in full: 3 Dec 2017; 2017年12月3日."""
    if value is None:
        return NONE
    if language == "zh":
        return f"{value.year}年{value.month}月{value.day}日"
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def day_short(value: date | None, language: str) -> str:
    """A date without its year: 3 Dec; 12月3日."""
    if value is None:
        return NONE
    return f"{value.month}月{value.day}日" if language == "zh" else f"{value.day} {_MONTHS[value.month - 1]}"


def span(first: date, last: date, language: str) -> str:
    """Two dates, the year said once where it is the same: 4 Sep to 26 Nov 2017 written with a dash."""
    if language == "zh":
        end = day(last, language) if last.year != first.year else day_short(last, language)
        return f"{day(first, language)}–{end}"
    start = day(first, language) if last.year != first.year else day_short(first, language)
    return f"{start} – {day(last, language)}"


def moment(value: datetime, language: str) -> str:
    """A local time to the minute."""
    return f"{day(value.date(), language)} {value:%H:%M}"


def monday(value: date) -> date:
    """The Monday of the date's week."""
    return value - timedelta(days=value.weekday())


def name(text: str | None) -> str:
    """A name of the data as it is shown: one that is shouted in capitals becomes a sentence, any other stays."""
    if not text:
        return NONE
    shouted = text.upper() == text and _SHOUTED.search(text) is not None
    return text[0] + text[1:].lower() if shouted else text


def plain(text: object) -> str:
    """Foreign text for a Markdown sentence: all that Markdown could act on is escaped, control characters are gone."""
    flat = "".join(mark if mark.isprintable() else " " for mark in str(text))
    return _MARKDOWN.sub(r"\\\1", flat)


def _significant(value: float) -> float:
    return float(f"{value:.3g}") if value >= SHORT_FROM else value


def _trimmed(value: float) -> str:
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _with_symbol(text: str, currency: str) -> str:
    if text == NONE:
        return text
    symbol = _SYMBOLS.get(currency, f"{currency} ")
    return f"{MINUS}{symbol}{text[1:]}" if text.startswith(MINUS) else f"{symbol}{text}"
