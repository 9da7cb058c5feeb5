"""Says in the reader's language why a promotion was judged so, why a row waits in quarantine, why two records are one.

Where such words are written they are English, for logs and commands. What is not known here is shown as it was given.
"""

from __future__ import annotations

import re

from apps.i18n import Words

_KNOWN = tuple(
    (re.compile(pattern), key)
    for pattern, key in (
        (r"outside the (\d+) largest runs", "outside"),
        (r"no store had this placement", "no_store"),
        (r"every store had it.*", "everywhere"),
        (r"only (\d+) stores were without it; (\d+) are needed", "few_stores"),
        (r"only (\d+) stores without it sold enough before; (\d+) are needed", "few_sellers"),
        (r"only (\d+) weeks before it were free of placements; (\d+) are needed", "few_weeks"),
        (r"too sparse: about (\S+) units were to be expected", "sparse"),
        (r"too noisy: only a lift above (\S+) would have been found", "noisy"),
        (r"stores without it sold too little in those weeks.*", "no_base"),
        # How much more or less, and whether it may be chance, stand in columns of their own.
        (r"\S+ (?:more|less) than expected, judged against (\d+) placebo dates: .*", "judged"),
    )
)
_SAME_KEY = re.compile(r"same (\w+), (.+)")
_TWO_VALUES = re.compile(r"two values of (\w+)")
_ALIKE = re.compile(r"(\w+) (.+) \(([+-]?[\d.]+)\)")
_ADDITION = "; every store was in the mailer"


def reason(words: Words, text: str | None) -> str:
    """The reason in the reader's words, its figures kept."""
    given, addition, _ = (text or "").partition(_ADDITION)
    for pattern, key in _KNOWN:
        found = pattern.fullmatch(given)
        if found:
            figures = {
                f"figure_{number}": figure.replace("%", " %") for number, figure in enumerate(found.groups(), start=1)
            }
            said = words(f"why.{key}", **figures)
            return words("why.added", reason=said) if addition else said
    return text or ""


def refused(words: Words, text: str | None) -> str:
    """Why a row is in quarantine: each of its fields and what a contract says is wrong with it."""
    said = []
    for part in (text or "").split("; "):
        field, _, what = part.partition(" ")
        key = f"refused.{_code(what)}"
        said.append(words(key, field=field) if words.knows(key) else part)
    return words("refused.and").join(said)


def evidence(words: Words, text: str | None) -> str:
    """Why two records are one person: what is the same, and how much each likeness weighs."""
    given = text or ""
    if found := _SAME_KEY.fullmatch(given):
        key, names = found.groups()
        return words("evidence.same", role=words.code("role", key), names=words.code("names", _code(names)))
    if found := _TWO_VALUES.fullmatch(given):
        return words("evidence.two", role=words.code("role", found.group(1)))
    parts = [_ALIKE.fullmatch(part) for part in given.split("; ")]
    if not all(parts):
        return given
    return words("evidence.and").join(
        words(
            "evidence.alike",
            role=words.code("role", part.group(1)),
            level=words.code("likeness", _code(part.group(2))),
            weight=part.group(3),
        )
        for part in parts
        if part
    )


def _code(text: str) -> str:
    """A phrase as the key of its word."""
    return re.sub(r"\W+", "_", text)
