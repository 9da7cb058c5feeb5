"""What stands in a device's registers: a tag's place and type, and its value or the reason why it has none."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Self

from pydantic import Field, model_validator

from ingestion.connectors.connector import Settings

Table = Literal["holding", "input", "coil", "discrete"]
BITS: tuple[Table, ...] = ("coil", "discrete")
Type = Literal["u16", "i16", "u32", "i32", "f32", "u64", "i64", "f64", "text", "bit"]
# struct's letter and the registers taken; a text's length is its own.
FORMATS = {
    "u16": ("H", 1),
    "i16": ("h", 1),
    "u32": ("I", 2),
    "i32": ("i", 2),
    "f32": ("f", 2),
    "u64": ("Q", 4),
    "i64": ("q", 4),
    "f64": ("d", 4),
}
# Below this a 32-bit float is subnormal. No instrument measures that; two words in the wrong order do.
SMALLEST = 2.0**-126
GOOD = "good"
FIELDS = (
    *("device_id", "tag", "read_at", "value", "text", "unit", "quality", "counter_raw", "counter_bits"),
    "max_per_second",
)
Row = tuple[str | None, ...]


class Register(Settings):
    """One value: where it stands (in history: within its sample) and how it is written.

    `byte_order` is that within a register, `word_order` that of the registers of one value. A `text` takes `length`
    registers. A `bit` is number `bit` (0: lowest) of its register, or in the tables coil and discrete the whole place.
    """

    address: int = Field(ge=0, le=65535)
    type: Type = "u16"
    word_order: Literal["big", "little"] = "big"
    byte_order: Literal["big", "little"] = "big"
    length: int = Field(default=1, ge=1, le=120)
    bit: int = Field(default=0, ge=0, le=15)

    @property
    def size(self) -> int:
        """Registers it takes."""
        return FORMATS[self.type][1] if self.type in FORMATS else self.length


class Tag(Register):
    """A register with a name. `scale` makes the value from the raw one; outside `low` to `high` it is implausible.

    A counter names the width at which it starts again from zero: it lands raw, and differences are taken modulo that.
    `max_per_second` is the most it can count in a second: by it a reset is told from a rollover.
    """

    tag: str = Field(min_length=1)
    table: Table | None = Field(default=None, description="where it differs from its device's")
    unit: str = ""
    scale: float = 1.0
    counter_bits: Literal[0, 16, 32, 64] = 0
    max_per_second: float | None = Field(default=None, gt=0)
    low: float | None = None
    high: float | None = None

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.counter_bits and self.type not in ("u16", "u32", "u64"):
            raise ValueError("a counter is of type u16, u32 or u64")
        if self.max_per_second and not self.counter_bits:
            raise ValueError("max_per_second is that of a counter: give its counter_bits")
        if self.counter_bits > 16 * self.size:
            raise ValueError(f"a counter of {self.counter_bits} bits does not fit type {self.type}")
        if self.table in BITS and self.type != "bit":
            raise ValueError(f"a {self.table} is of type bit")
        return self


@dataclass(frozen=True)
class Span:
    """Tags of one table that one request reads: `count` places from `start`."""

    table: Table
    start: int
    count: int
    tags: tuple[Tag, ...]


def spans(tags: Sequence[Tag], table: Table, most: int, most_gap: int) -> Iterator[Span]:
    """The tags by table and address in as few requests as `most` places and gaps of at most `most_gap` allow."""
    together: list[Tag] = []
    start = end = 0
    for tag in sorted(tags, key=lambda tag: (tag.table or table, tag.address)):
        is_near = bool(together) and (tag.table or table) == (together[0].table or table)
        if not is_near or tag.address > end + most_gap or max(end, tag.address + tag.size) - start > most:
            if together:
                yield Span(together[0].table or table, start, end - start, tuple(together))
            together, start, end = [], tag.address, tag.address
        together.append(tag)
        end = max(end, tag.address + tag.size)
    if together:
        yield Span(together[0].table or table, start, end - start, tuple(together))


def decode(register: Register, words: Sequence[int]) -> int | float | str | None:
    """The value as written in its registers; None for a NaN, an infinity and a text in no encoding."""
    if register.type == "bit":
        return words[0] >> register.bit & 1
    ordered = words if register.word_order == "big" or register.type == "text" else words[::-1]
    data = b"".join(word.to_bytes(2, register.byte_order) for word in ordered)
    if register.type == "text":
        try:
            return data.rstrip(b"\0 ").decode("utf-8")
        except UnicodeDecodeError:
            return None
    [value] = struct.unpack(f">{FORMATS[register.type][0]}", data)
    return value if isinstance(value, int) or math.isfinite(value) else None


def reading(device: str, tag: Tag, at: datetime, found: Sequence[int] | str, quality: str = GOOD) -> Row:
    """FIELDS of one reading as text; `found` are the tag's registers or the quality of there being none.

    Without a value it has quality `not_a_number` or `implausible`, and no value: never zero.
    """
    raw = None if isinstance(found, str) else decode(tag, found)
    if isinstance(found, str):
        quality = found
    elif raw is None:
        quality = "not_a_number"
    elif not isinstance(raw, str) and not _is_plausible(tag, raw):
        raw, quality = None, "implausible"
    value = raw * tag.scale if isinstance(raw, (int, float)) else None
    return row(
        device,
        tag.tag,
        at,
        value=value,
        text=raw if isinstance(raw, str) else None,
        unit=tag.unit,
        quality=quality,
        counter=raw if isinstance(raw, int) and tag.counter_bits else None,
        counter_bits=tag.counter_bits,
        max_per_second=tag.max_per_second,
    )


def row(
    device: str,
    tag: str,
    at: datetime,
    *,
    value: float | None,
    text: str | None,
    unit: str,
    quality: str,
    counter: int | None = None,
    counter_bits: int = 0,
    max_per_second: float | None = None,
) -> Row:
    """One reading as text, in the order of FIELDS."""
    return (
        device,
        tag,
        at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        None if value is None else repr(float(value)),
        text,
        unit or None,
        quality,
        None if counter is None else str(counter),
        str(counter_bits) if counter_bits else None,
        repr(max_per_second) if max_per_second and counter_bits else None,
    )


def _is_plausible(tag: Tag, raw: float) -> bool:
    if tag.type == "f32" and 0 < abs(raw) < SMALLEST:
        return False
    value = raw * tag.scale
    return (tag.low is None or value >= tag.low) and (tag.high is None or value <= tag.high)
