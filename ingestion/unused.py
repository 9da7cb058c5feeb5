"""Raw fields that are known and not wanted: which of them `unused` means, and which of its words mean none."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from tillmill.refusals import nearest


def unwanted(names: Iterable[str], patterns: Iterable[str]) -> set[str]:
    """The names that one of `patterns` means: the same name, where `*` stands for any signs, none too."""
    meant = [_meaning(pattern) for pattern in patterns]
    return {name for name in names if any(pattern.fullmatch(name) for pattern in meant)}


def idle(
    patterns: Iterable[str], names: Collection[str], unmapped: Collection[str], setting: str = "unused"
) -> list[str]:
    """Words for each pattern of `setting` that means none of the source's `names`, with the unmapped one like it."""
    said = []
    for pattern in sorted(patterns):
        if not unwanted(names, [pattern]):
            others = sorted(set(unmapped) - unwanted(unmapped, set(patterns) - {pattern}))
            said.append(f"no field is called {pattern!r}, which {setting} names{nearest(pattern, others)}")
    return said


def _meaning(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in pattern.split("*")), re.DOTALL)
