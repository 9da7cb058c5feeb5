"""Says in the reader's language why something was refused: a rule, weeks set by hand, a list of people.

Where such words are written they are English, for logs and commands. What is not known here is shown as it was given.
"""

from __future__ import annotations

import re
from datetime import date

from apps import format as write
from apps.i18n import Words
from tillmill.errors import TillmillError

_KINDS = r"(?P<kinds>\w+(?: with a \w+)*)"
_UNREAD = r"the rule cannot be read at letter (?P<letter>\d+)"
_KNOWN = tuple(
    (re.compile(pattern, re.DOTALL), key)
    for pattern, key in (
        (r"the rule is empty; .*", "rule_empty"),
        (r"the rule has (?P<letters>\S+) letters; (?P<most>\S+) are the most", "rule_long"),
        (r"the rule is nested too deeply", "rule_deep"),
        (rf"the rule is a {_KINDS}, not a condition that is true or false", "rule_kind"),
        (rf'{_UNREAD}: syntax error at or near "(?P<near>.+)"', "rule_near"),
        (rf"{_UNREAD}: unterminated .*", "rule_quote"),
        (rf"{_UNREAD}: (?P<what>.*)", "rule_unread"),
        (r"the rule is more than one condition", "rule_several"),
        (r"no column (?P<name>.+); there are (?P<columns>.+)", "rule_column"),
        (r"(?P<text>.+) is no date; .*", "rule_date"),
        (r"like compares a text column with a text", "rule_like"),
        (rf"(?P<text>.+) is a {_KINDS}, not a condition", "rule_part"),
        (rf"(?P<text>.+) compares a {_KINDS}", "rule_compares"),
        (r"(?P<text>.+): a rule has no the function (?P<name>.+); it has .*", "rule_function"),
        (r"(?P<text>.+): a rule has no cast to (?P<name>.+); it has .*", "rule_cast"),
        (r"(?P<text>.+): a rule has no (?P<name>.+); it has .*", "rule_other"),
        (r"(?P<name>.+) is no segment id: .*", "segment_id"),
        (r"a segment has a name of .*", "segment_name"),
        (r"(?P<name>.+) is no campaign: .*", "campaign"),
        (r"somebody is being forgotten", "forgetting"),
        (r"no row of (?P<stream>\S+) has landed; .*", "not_landed"),
        (r".+ is locked by .+", "locked"),
        (r"there is no forecast of .+ for the week of (?P<week>\d{4}-\d\d-\d\d)", "no_forecast"),
        (r"the week of (?P<week>\d{4}-\d\d-\d\d): (?P<units>\S+) units cannot be asked for", "units"),
        (r"override \w+ is (?P<author>.+)'s own: .*", "own"),
    )
)


def said(words: Words, error: TillmillError) -> str:
    """What failed and what is safe, in the reader's words."""
    return in_words(words, error.what) or str(error)


def in_words(words: Words, what: str) -> str:
    """What failed, its names and figures kept; '' where there are no words for it."""
    for pattern, key in _KNOWN:
        found = pattern.fullmatch(what)
        if found:
            return words(
                f"failure.{key}", **{place: _told(words, place, text) for place, text in found.groupdict().items()}
            )
    return ""


def _told(words: Words, place: str, text: str) -> str:
    if place == "week":
        return write.day(date.fromisoformat(text), words.language)
    if place == "kinds":
        return words("failure.beside").join(words.code("rule_kind", kind) for kind in text.split(" with a "))
    return text
