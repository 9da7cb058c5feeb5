"""Texts as grams: every run of one to five characters, and every one or two words between spaces, as 64-bit numbers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

LONGEST_RUN = 5
LONGEST_WORDS = 40
CHUNK = 2_000  # texts at once: bounds memory, whatever the file
LONGEST_TEXT = 5_000  # characters read of one text

Hashes = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]

_FIRST_BITS = 20
_OTHER_BITS = np.uint64(64 - _FIRST_BITS)
_BASE = 0x9E3779B97F4A7C15 | 1
_INVERSE = pow(_BASE, -1, 1 << 64)
_LINK = re.compile(r"(?:https?://|www\.)\S+|@[\w-]+|\[[a-z]+\]")
_NUMBER = re.compile(r"\d+")
_GAP = re.compile(r"[\s​﻿]+")
_REPEAT = re.compile(r"(.)\1{3,}")
# Between Latin letters and other scripts there is a word boundary that nobody types.
_SEAM = re.compile(r"(?<=[a-z0-9])(?=[^\sa-z0-9'])|(?<=[^\sa-z0-9'])(?=[a-z0-9])")


def normal(text: str) -> str:
    """The text as grams see it: one width, small letters, no links or handles, digits as 0, a space at both ends."""
    text = unicodedata.normalize("NFKC", text[:LONGEST_TEXT]).lower().replace("’", "'")
    text = _NUMBER.sub("0", _LINK.sub(" ", text))
    text = _SEAM.sub(" ", _REPEAT.sub(r"\1\1\1", text))
    return f" {_GAP.sub(' ', text).strip()} "


def hashes_of(grams: Sequence[str]) -> Hashes:
    """The number of each gram, as `spans` gives it for the same characters; the same on every machine."""
    points, starts, ends = _joined(grams)
    return _hash(points, starts, ends)


def spans(texts: Sequence[str]) -> tuple[Places, Hashes]:
    """(text number, gram number) of every gram of normal texts, repeats included."""
    owner = np.repeat(np.arange(len(texts), dtype=np.int64), [len(text) for text in texts])
    runs = list(_runs(texts))
    return np.concatenate([owner[start] for start, _, _ in runs]), np.concatenate([number for _, _, number in runs])


def _runs(texts: Sequence[str]) -> Iterator[tuple[Places, Places, Hashes]]:
    """(start, length, number) of grams of one kind after another; starts count characters over all texts."""
    points, _, ends = _joined(texts)
    owner = np.repeat(np.arange(len(texts), dtype=np.int64), [len(text) for text in texts])
    place = np.arange(len(points), dtype=np.int64)
    left = ends[owner] - place  # characters from here to the end of the text
    powers, sums = _powers(points)
    for length in range(1, LONGEST_RUN + 1):
        start = place[left >= length]
        yield start, np.full(len(start), length), _finish((sums[start + length] - sums[start]) * powers[start])
    # A word with the spaces around it, where that is longer than the runs above; then two words.
    gap = np.flatnonzero(points == ord(" "))
    for words in (1, 2):
        first, last = gap[:-words], gap[words:]
        size = last - first + 1
        keep = (owner[first] == owner[last]) & (size > LONGEST_RUN) & (size <= LONGEST_WORDS)
        yield first[keep], size[keep], _finish((sums[last[keep] + 1] - sums[first[keep]]) * powers[first[keep]])


def chunks(texts: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Normal texts by the chunk, each with the number of its first text."""
    for start in range(0, len(texts), CHUNK):
        yield start, [normal(text) for text in texts[start : start + CHUNK]]


def presence(texts: Sequence[str], vocabulary: Hashes) -> csr_matrix:
    """Texts by grams of a sorted vocabulary: 1 where the gram stands in the text."""
    rows, columns = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for start, chunk in chunks(texts):
        row, column = found(chunk, vocabulary)
        rows.append(row + start)
        columns.append(column)
    row, column = np.concatenate(rows), np.concatenate(columns)
    return csr_matrix((np.ones(len(row), np.float32), (row, column)), shape=(len(texts), len(vocabulary)))


def characters_of(texts: Sequence[str], vocabulary: Hashes) -> list[str]:
    """The characters of each gram of a sorted vocabulary that stands somewhere in the texts, else none."""
    words = [""] * len(vocabulary)
    if not words:
        return words
    for _, chunk in chunks(texts):
        joined = "".join(chunk)
        for start, length, number in _runs(chunk):
            fresh, first = np.unique(number, return_index=True)
            place = np.searchsorted(vocabulary, fresh)
            place[place == len(vocabulary)] = 0
            known = vocabulary[place] == fresh
            for at, origin in zip(place[known], first[known], strict=True):
                if not words[at]:
                    words[at] = joined[start[origin] : start[origin] + length[origin]]
    return words


def found(chunk: Sequence[str], vocabulary: Hashes) -> tuple[Places, Places]:
    """(text number, place in the sorted vocabulary) of every known gram of normal texts, each pair once."""
    if not chunk or not len(vocabulary):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    # Most grams are unknown; a look at their first bits spares the search for them.
    maybe = np.zeros(1 << _FIRST_BITS, bool)
    maybe[vocabulary >> _OTHER_BITS] = True
    owner, number = spans(chunk)
    likely = maybe[number >> _OTHER_BITS]
    owner, number = owner[likely], number[likely]
    place = np.searchsorted(vocabulary, number)
    place[place == len(vocabulary)] = 0
    known = vocabulary[place] == number
    pair = np.unique(owner[known] * len(vocabulary) + place[known])
    return pair // len(vocabulary), pair % len(vocabulary)


def _joined(texts: Sequence[str]) -> tuple[npt.NDArray[np.uint32], Places, Places]:
    points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype="<u4")
    ends = np.cumsum(np.array([len(text) for text in texts], dtype=np.int64))
    return points, np.concatenate([[0], ends[:-1]]).astype(np.int64), ends


def _powers(points: npt.NDArray[np.uint32]) -> tuple[Hashes, Hashes]:
    """Inverse powers by place, and running sums: a span's sum times its start's power depends on it alone."""
    size = len(points)
    rise = np.full(size + 1, _BASE, np.uint64)
    fall = np.full(size + 1, _INVERSE, np.uint64)
    rise[0] = fall[0] = 1
    rise, fall = np.multiply.accumulate(rise), np.multiply.accumulate(fall)
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(_finish(points.astype(np.uint64)) * rise[:size])])
    return fall, sums


def _hash(points: npt.NDArray[np.uint32], starts: Places, ends: Places) -> Hashes:
    powers, sums = _powers(points)
    return _finish((sums[ends] - sums[starts]) * powers[starts])


def _finish(number: Hashes) -> Hashes:
    """The mixer of SplitMix64 (Steele, Lea and Flood 2014): every bit of the sum reaches every bit of the number."""
    number = (number ^ (number >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    number = (number ^ (number >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return number ^ (number >> np.uint64(31))
