"""How far a table has been read: the highest value of its cursor column, and what an overlap would bring again."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import polars as pl

from tillmill.errors import SourceError
from tillmill.workspace import now

# Beyond this many remembered rows the next pull takes the overlap again, and its rows meet by key.
MOST_REMEMBERED = 50_000
NUMBERS = ("integer", "decimal")
Value = Decimal | datetime | str


@dataclass(frozen=True)
class Scale:
    """The cursor column's values as what they are: numbers, times, or text that only has an order."""

    kind: str
    label: str
    lag: float

    def value(self, text: str) -> Value:
        """The value of a text. A text column that holds times is one of times; without zone they count as UTC."""
        if self.kind in NUMBERS:
            try:
                return Decimal(text)
            except InvalidOperation:
                raise SourceError(f"{self.label}: the cursor column holds {text!r} among numbers") from None
        if self.kind == "uuid" or text[4:5] != "-":
            # Digits alone (20260301) have an order as they are, whatever they mean.
            return text
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            return text
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)

    def start(self, highest: str) -> str:
        """Where the next pull starts: `lag` before the highest, written as the column writes its values."""
        value = self.value(highest)
        if isinstance(value, Decimal):
            earlier_number = value - Decimal(str(self.lag))
            return str(math.floor(earlier_number)) if self.kind == "integer" else format(earlier_number, "f")
        if isinstance(value, str):
            return highest
        local = datetime.fromisoformat(highest)
        if self.is_by_day(highest):
            return (local - timedelta(days=-(-self.lag // 86_400))).date().isoformat()
        earlier = local - timedelta(seconds=self.lag)
        return _spelt(earlier, highest) if self.kind == "text" else earlier.isoformat()

    def is_by_day(self, like: str) -> bool:
        """Whether the column holds dates; `like` is one of its values."""
        return self.kind == "date" or len(like) == len("2026-03-01")

    def is_of_times(self, like: str) -> bool:
        """Whether what was changed between two times can be asked for; `like` is one of the column's values."""
        return self.kind not in NUMBERS and isinstance(self.value(like), datetime)

    def written(self, at: datetime, like: str, *, is_end: bool = False) -> str:
        """A time as the column writes its own, such as `like`; where it tells no zone, in that of `at`.

        The end of a stretch of time within a day is, in a column of dates, the end of that day.
        """
        if self.is_by_day(like):
            day = at.date()
            return (day + timedelta(days=1) if is_end and at.time() != time() else day).isoformat()
        zone = datetime.fromisoformat(like).tzinfo
        local = at.astimezone(zone) if zone is not None else at.replace(tzinfo=None)
        return _spelt(local, like) if self.kind == "text" else local.isoformat(like[10])


def _spelt(at: datetime, like: str) -> str:
    """Text is compared letter by letter, so what is asked for must be spelt as what is there."""
    written = at.replace(tzinfo=None).isoformat(like[10], "seconds")
    if "." in like:
        digits = len(like.partition(".")[2].rstrip("Z").partition("+")[0].partition("-")[0])
        written += "." + f"{at.microsecond:06d}"[:digits].ljust(digits, "0")
    tail = like[19:].lstrip(".0123456789")
    return written + tail


@dataclass
class Progress:
    """A pull in progress: the highest value so far, and the marks of rows that the next pull would bring again."""

    scale: Scale
    since: str = ""
    seen: dict[str, Value] = field(default_factory=dict)
    key: bytes = field(default=b"", repr=False)
    reached: Value = ""

    @classmethod
    def after(cls, cursor: dict[str, Any], at: Sequence[str] | None, scale: Scale, key: bytes) -> Progress:
        """The state at the start of a pull; `at` is the place of one that was cut short."""
        since = cursor.get("since", "")
        reached = scale.value(at[0]) if at else scale.value(since) if since else ""
        return cls(scale, since, dict.fromkeys(cursor.get("seen", ()), reached), key, reached)

    def take(self, records: pl.DataFrame, values: Sequence[str]) -> pl.Series:
        """Which records are new; remembers those that the next pull would bring again."""
        parsed = [self.scale.value(text) for text in values]
        known = set(self.seen)
        # A time from the future would blind the stream to every change until then.
        limit = now() + timedelta(days=1)
        place = next((at for at in range(len(parsed) - 1, -1, -1) if not _greater(parsed[at], limit)), None)
        if place is not None and (not self.since or _greater(parsed[place], self.scale.value(self.since))):
            self.since = values[place]
        # What the next pull would start from; with nothing but future rows, all of them.
        floor = self.scale.value(self.scale.start(self.since)) if self.since else parsed[0]
        # Only rows that an earlier pull may have brought, or a later one may bring again, are worth a digest.
        near = [(bool(known) and not _greater(value, self.reached)) or not _greater(floor, value) for value in parsed]
        marks = marks_of(records.filter(pl.Series(near, dtype=pl.Boolean)), self.key)
        at = iter(marks)
        fresh: list[bool] = []
        for value, is_near in zip(parsed, near, strict=True):
            mark = next(at) if is_near else ""
            fresh.append(mark not in known)
            if is_near:
                self.seen[mark] = value
        self.seen = {mark: value for mark, value in self.seen.items() if not _greater(floor, value)}
        return pl.Series(fresh, dtype=pl.Boolean)

    def remembered(self) -> list[str]:
        return sorted(self.seen) if len(self.seen) <= MOST_REMEMBERED else []


def marks_of(records: pl.DataFrame, key: bytes) -> list[str]:
    """A keyed digest of each row: equal for equal rows, and telling nothing of them."""
    return [
        hashlib.blake2b(json.dumps(row, ensure_ascii=False).encode(), key=key, digest_size=8).hexdigest()
        for row in records.iter_rows()
    ]


def _greater(one: Value, other: Value) -> bool:
    """Whether one comes after the other; what is of two kinds, such as a number and a time, has no order."""
    return type(one) is type(other) and one > other  # type: ignore[operator]
