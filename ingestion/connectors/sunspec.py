"""SunSpec devices: which models a device holds, read from the device; what stands in them, from the models' files.

Formats as in the SunSpec Device Information Model Specification: a marker, then blocks of (id, length, points) to an
end block; scale factors are points of their own, and each type has a value that says "not implemented".
"""

from __future__ import annotations

import ipaddress
import json
from collections import ChainMap
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ingestion.connectors.registers import GOOD, Register, Row, Type, decode, row
from tillmill.errors import SettingsError, SourceError

MARKER = [0x5375, 0x6E53]  # "SunS"
BASES = (40000, 50000, 0)
END = 0xFFFF
MOST_MODELS = 500
CHECKED_WORDS = 256
NO_SCALE = -0x8000
# Our type, and the raw value that says the device does not implement the point.
TYPES: dict[str, tuple[Type, int | str | None]] = {
    "uint16": ("u16", 0xFFFF),
    "enum16": ("u16", 0xFFFF),
    "bitfield16": ("u16", 0xFFFF),
    "count": ("u16", 0xFFFF),
    "acc16": ("u16", 0),
    "int16": ("i16", NO_SCALE),
    "sunssf": ("i16", NO_SCALE),
    "uint32": ("u32", 0xFFFFFFFF),
    "enum32": ("u32", 0xFFFFFFFF),
    "bitfield32": ("u32", 0xFFFFFFFF),
    "acc32": ("u32", 0),
    "int32": ("i32", -0x80000000),
    "uint64": ("u64", 0xFFFFFFFFFFFFFFFF),
    "bitfield64": ("u64", 0xFFFFFFFFFFFFFFFF),
    "acc64": ("u64", 0),
    "int64": ("i64", -0x8000000000000000),
    "float32": ("f32", None),
    "float64": ("f64", None),
    "string": ("text", ""),
}
# Written as hexadecimal or dotted text; all zeros (of a hardware address: all ones) is "not implemented".
ADDRESSES = ("ipaddr", "ipv6addr", "eui48")
SILENT_TYPES = ("pad", "sunssf")
Models = Mapping[int, dict[str, Any]]
Read = Callable[[int, int], Awaitable[list[int] | str]]


@dataclass(frozen=True)
class Block:
    """One model as the device holds it: `name` is its id (`103`, a second one `103#2`), `words` from its id on."""

    name: str
    model: int
    size: int
    words: Sequence[int] | str


@dataclass(frozen=True)
class Place:
    """A point in its block; `scope` knows where the points it may refer to stand."""

    tag: str
    point: Mapping[str, Any]
    offset: int
    scope: Mapping[str, int]


def load_models(path: Path) -> dict[int, dict[str, Any]]:
    """The models of a file, or of every `model_*.json` in a folder, by id. Raises SettingsError naming the file."""
    files = sorted(path.glob("model_*.json")) if path.is_dir() else [path]
    models: dict[int, dict[str, Any]] = {}
    for file in files:
        try:
            told = json.loads(file.read_text(encoding="utf-8"))
            models[int(told["id"])] = told["group"]
            for place in _places(told["group"], "", [0] * CHECKED_WORDS):
                if place.point["type"] not in (*TYPES, *ADDRESSES, *SILENT_TYPES):
                    raise ValueError(f"{place.tag}: no type is called {place.point['type']!r}")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SettingsError(f"{file}: is no SunSpec model ({type(error).__name__}: {error})") from error
    if not models:
        raise SettingsError(f"{path}: no SunSpec model (model_*.json) there")
    return models


async def find_blocks(read: Read, models: Models, bases: Sequence[int]) -> list[Block]:
    """The device's blocks whose model is among `models`; one that cannot be read has the quality in place of words.

    Raises SourceError where there is no SunSpec marker or the chain of blocks is broken.
    """
    answers = []
    for base in bases:
        found = await read(base, 2)
        if found == MARKER:
            return [block async for block in _chain(read, models, base + 2)]
        answers.append(f"{base}: {found if isinstance(found, str) else 'something else'}")
        if found == "silent":
            break
    raise SourceError(f"no SunSpec marker ({', '.join(answers)})", state="The cursor has not moved.")


async def _chain(read: Read, models: Models, address: int) -> AsyncIterator[Block]:
    seen: dict[int, int] = {}
    for _ in range(MOST_MODELS):
        head = await read(address, 2)
        if isinstance(head, str):
            raise SourceError(f"SunSpec: the block at register {address} cannot be read ({head})")
        model, length = head
        if model == END:
            return
        seen[model] = seen.get(model, 0) + 1
        if model in models:
            name = f"{model}" if seen[model] == 1 else f"{model}#{seen[model]}"
            yield Block(name, model, length + 2, await read(address, length + 2))
        address += length + 2
    raise SourceError(f"SunSpec: more than {MOST_MODELS} blocks; the device has no end block")


def readings(device: str, block: Block, models: Models, at: datetime, only: Sequence[str]) -> Iterator[Row]:
    """A reading per point of the block whose tag (`103.W`, `160.module.2.DCW`) fits a pattern of `only`."""
    words = [0] * block.size if isinstance(block.words, str) else block.words
    for place in _places(models[block.model], f"{block.name}.", words):
        if place.offset < 2 or place.point["type"] in SILENT_TYPES:
            continue
        if any(fnmatchcase(place.tag, pattern) for pattern in only):
            yield _reading(device, place, block.words, at)


def _places(group: Mapping[str, Any], prefix: str, words: Sequence[int]) -> Iterator[Place]:
    """Every point that lies within the block; a device of an older model is shorter than the file."""
    for place in _walk(group, prefix, 0, words, ChainMap()):
        if place.offset + _size(place.point) <= len(words):
            yield place


def _walk(
    group: Mapping[str, Any], prefix: str, offset: int, words: Sequence[int], outer: ChainMap[str, int]
) -> Iterator[Place]:
    scope = outer.new_child()
    for point in group["points"]:
        scope[point["name"]] = offset
        offset += _size(point)
    # A point may refer to one behind it: all places are known before the first is used.
    for point in group["points"]:
        yield Place(prefix + point["name"], point, scope[point["name"]], scope)
    for inner in group.get("groups", ()):
        each = _width(inner, words, scope)
        for number in range(1, _times(inner, words, scope, offset, each) + 1):
            middle = f"{inner['name']}.{number}." if inner.get("count", 1) != 1 else f"{inner['name']}."
            yield from _walk(inner, prefix + middle, offset, words, scope)
            offset += each


def _times(group: Mapping[str, Any], words: Sequence[int], scope: Mapping[str, int], offset: int, each: int) -> int:
    """How often a group repeats: a number, the value of a point, or (0) as often as there is room."""
    count = group.get("count", 1)
    room = max(0, (len(words) - offset) // each) if each else 0
    if isinstance(count, str):
        at = scope[count]
        told = words[at] if at < len(words) else 0
        return min(told, room) if told != TYPES["count"][1] else 0
    return min(count, room) if count else room


def _width(group: Mapping[str, Any], words: Sequence[int], scope: ChainMap[str, int]) -> int:
    """Registers one repetition takes, the groups within it included."""
    width = sum(_size(point) for point in group["points"])
    inside = scope.new_child({point["name"]: len(words) for point in group["points"]})
    for inner in group.get("groups", ()):
        each = _width(inner, words, inside)
        width += each * _times(inner, words, inside, 0, each)
    return width


def _size(point: Mapping[str, Any]) -> int:
    return int(point["size"])


def _reading(device: str, place: Place, words: Sequence[int] | str, at: datetime) -> Row:
    point, kind = place.point, str(place.point["type"])
    value: Decimal | float | None = None
    text: str | None = None
    counter, counter_bits, quality = None, 0, GOOD
    if isinstance(words, str):
        quality = words
    elif kind in ADDRESSES:
        text = _address(kind, words[place.offset : place.offset + _size(point)])
        quality = GOOD if text else "not_implemented"
    else:
        ours, absent = TYPES[kind]
        register = Register(address=0, type=ours, length=_size(point))
        raw = decode(register, words[place.offset : place.offset + register.size])
        if raw == absent:
            quality = "not_implemented"
        elif isinstance(raw, str):
            text = raw
        elif isinstance(raw, (int, float)):
            counter_bits = int(kind[3:]) if kind.startswith("acc") else 0
            counter = raw if counter_bits and isinstance(raw, int) else None
            power = _power(place, words)
            value = None if power is None else Decimal(raw).scaleb(power) if power else raw
            text = _symbols(point, raw) if isinstance(raw, int) else None
            quality = GOOD if power is not None else "no_scale_factor"
        else:
            quality = "not_a_number"
    return row(
        device,
        place.tag,
        at,
        value=None if value is None else float(value),
        text=text,
        unit=str(point.get("units", "")),
        quality=quality,
        counter=counter,
        counter_bits=counter_bits,
    )


def _power(place: Place, words: Sequence[int]) -> int | None:
    """The power of ten the value is scaled by; None where the device does not tell it."""
    told = place.point.get("sf", 0)
    if isinstance(told, int):
        return told
    at = place.scope.get(told)
    if at is None or at >= len(words):
        return None
    power = decode(Register(address=0, type="i16"), words[at : at + 1])
    return power if isinstance(power, int) and -10 <= power <= 10 else None


def _symbols(point: Mapping[str, Any], raw: int) -> str | None:
    """The names the model gives to the value, or to each bit that is set."""
    names = {int(symbol["value"]): str(symbol["name"]) for symbol in point.get("symbols", ())}
    if not str(point["type"]).startswith("bitfield"):
        return names.get(raw)
    return " ".join(name for bit, name in sorted(names.items()) if raw >> bit & 1) or None


def _address(kind: str, words: Sequence[int]) -> str | None:
    data = b"".join(word.to_bytes(2, "big") for word in words)
    if kind == "eui48":
        return None if data[-6:] in (b"\xff" * 6, b"\0" * 6) else data[-6:].hex(":")
    return str(ipaddress.ip_address(data)) if any(data) else None
