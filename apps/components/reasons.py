"""Says in the reader's language why a promotion was judged so; a reason not known here is shown as it was given."""

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
