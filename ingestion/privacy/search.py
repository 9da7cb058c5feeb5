"""Finds a person in text that has no columns: quarantined records, unknown fields, files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from ingestion.privacy.masking import spoken
from ingestion.privacy.normalise import normalise
from ingestion.privacy.suppression import Tokens
from ingestion.privacy.tokens import Keys, token

# What parts the values of a record that could not be read as one.
_PARTS = re.compile(r"[,;|\t\r\n\"'<>={}\[\]()]+")
_LONGEST = 320
# Kinds of identifiers that nothing else looks like.
SHAPED = ("phone", "email")


@dataclass(frozen=True)
class Finder:
    """Knows a person by tokens alone: a text holds them where one of its values gives one of their tokens."""

    tokens: Tokens
    keys: Keys
    calling_codes: tuple[str, ...] = ("",)
    _seen: dict[str, bool] = field(default_factory=dict, repr=False, compare=False)

    def holds(self, text: str | None) -> bool:
        """Whether the person is in the text: a JSON record, a line of a file, a single value."""
        return text is not None and any(self._is_theirs(value) for value in _values(text))

    def by_shape(self) -> Finder:
        """Knows them by phones and e-mails alone: where no people are expected, their codes may be any number's."""
        return replace(self, tokens={kind: self.tokens[kind] for kind in SHAPED if kind in self.tokens}, _seen={})

    def _is_theirs(self, value: str) -> bool:
        if value not in self._seen:
            self._seen[value] = any(self._matches(kind, value) for kind in self.tokens)
        return self._seen[value]

    def _matches(self, kind: str, value: str) -> bool:
        if kind == "email" and "@" not in value:
            return False
        for calling_code in self.calling_codes if kind == "phone" else ("",):
            spelled = normalise(kind, value, calling_code)
            if spelled and token(kind, spelled, self.keys.token, self.keys.later) in self.tokens[kind]:
                return True
        return False


def _values(text: str) -> Iterator[str]:
    try:
        found = list(_leaves(json.loads(text)))
    except ValueError:
        found = [text]
    for leaf in found:
        parts = (leaf, *_PARTS.split(leaf), *(spoken(leaf) if " " in leaf or not leaf.isascii() else ()))
        yield from (part.strip() for part in parts if 0 < len(part.strip()) <= _LONGEST)


def _leaves(found: Any) -> Iterable[str]:
    if isinstance(found, dict):
        return [leaf for value in found.values() for leaf in _leaves(value)]
    if isinstance(found, list):
        return [leaf for value in found for leaf in _leaves(value)]
    if isinstance(found, str) and found[:1] in {"{", "["}:
        # Nested values travel as JSON text.
        try:
            return _leaves(json.loads(found))
        except ValueError:
            return [found]
    return [] if found is None else [str(found)]
