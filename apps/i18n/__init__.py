"""Every visible word of the portal, by key, in English and Chinese."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = ("en", "zh")
_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Words:
    """The words of one language; `words("overview.title")` is the text behind a key, with its places filled."""

    language: str
    texts: dict[str, str]

    def __call__(self, key: str, **values: object) -> str:
        """The text of `key`; raises KeyError for a key that is in no file."""
        text = self.texts[key]
        return text.format_map(values) if values else text

    def code(self, group: str, code: object) -> str:
        """The word for a code of the data (segment, verdict, channel); a code without a word is shown as it is."""
        if code is None:
            return self.texts["code.none"]
        return self.texts.get(f"{group}.{code}", str(code))

    def knows(self, key: str) -> bool:
        return key in self.texts


@cache
def load(language: str) -> Words:
    """The words of an allowed language; raises KeyError for any other."""
    if language not in LANGUAGES:
        raise KeyError(language)
    with (_FOLDER / f"{language}.toml").open("rb") as file:
        return Words(language, dict(_flat("", tomllib.load(file))))


def _flat(prefix: str, tree: dict[str, Any]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in tree.items():
        key = f"{prefix}{name}"
        found += _flat(f"{key}.", value) if isinstance(value, dict) else [(key, str(value))]
    return found
