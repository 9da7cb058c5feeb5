"""How alike two people's records are, role by role: the levels that the linking model learns its weights for."""

from __future__ import annotations

from splink import comparison_level_library as levels
from splink import comparison_library as comparisons
from splink.internals.comparison_creator import ComparisonCreator
from splink.internals.comparison_level_creator import ComparisonLevelCreator

NEAR = 0.88  # Jaro-Winkler of two spellings of one name
ALIKE = (0.92, 0.8)  # of two spellings of one address
# Both names agree as a whole: people of one household share all the rest.
WHOLE_NAME = ("same", "turned round", "close", "turned round and close")


def comparisons_of(roles: set[str], *, rarity: bool = True) -> list[ComparisonCreator]:
    """Return the comparisons for a table with these role columns (`roles.conform`), one per idea.

    With `rarity` agreeing on a rare value says more than agreeing on a common one, which needs the table's counts.
    """
    found: list[ComparisonCreator] = []
    if {"given_name", "surname", "name"} & roles:
        found.append(_names(rarity))
    same_year = levels.CustomLevel("left(birth_date_l, 4) = left(birth_date_r, 4)", "same year")
    found += [_digits("birth_date", same_year)] if "birth_date" in roles else []
    found += [_digits("national_id")] if "national_id" in roles else []
    found += [_email(rarity)] if "email" in roles else []
    found += [_typed(role, rarity) for role in ("phone", "street_number", "postcode") if role in roles]
    found += [_worded(role, rarity) for role in ("street", "street_more", "suburb", "city") if role in roles]
    told = [role for role in ("state", "gender", "member_id") if role in roles]
    return found + [_steps(role, _unknown(role), _same(role, rarity=rarity)) for role in told]


def _steps(name: str, *steps: ComparisonLevelCreator) -> ComparisonCreator:
    unlike = levels.ElseLevel().configure(label_for_charts="unlike")
    return comparisons.CustomComparison(output_column_name=name, comparison_levels=[*steps, unlike])


def _unknown(column: str) -> ComparisonLevelCreator:
    return levels.NullLevel(column)


def _same(column: str, label: str = "same", *, rarity: bool) -> ComparisonLevelCreator:
    """Equal values; with `rarity` a rare one says more than a common one."""
    return levels.ExactMatchLevel(column, term_frequency_adjustments=rarity).configure(label_for_charts=label)


def _slips(column: str, count: int, label: str) -> ComparisonLevelCreator:
    return levels.DamerauLevenshteinLevel(column, count).configure(label_for_charts=label)


def _alike(column: str, threshold: float, label: str) -> ComparisonLevelCreator:
    return levels.JaroWinklerLevel(column, threshold).configure(label_for_charts=label)


def _names(rarity: bool) -> ComparisonCreator:
    """Both names together, since people turn them round and misspell one."""
    near = "jaro_winkler_similarity({}_l, {}_r) >= 0.88"
    given, family = near.format("given_name", "given_name"), near.format("surname", "surname")
    turned, turned_too = near.format("given_name", "surname"), near.format("surname", "given_name")
    same, turned_round, close, turned_and_close = WHOLE_NAME
    return _steps(
        "name",
        levels.And(_unknown("given_name"), _unknown("surname")),
        _same("full_name", same, rarity=rarity),
        levels.CustomLevel("given_name_l = surname_r and surname_l = given_name_r", turned_round),
        levels.CustomLevel(f"{given} and {family}", close),
        levels.CustomLevel(f"{turned} and {turned_too}", turned_and_close),
        _same("surname", "same surname", rarity=rarity),
        _same("given_name", "same given name", rarity=rarity),
        levels.CustomLevel("given_name_l = surname_r or surname_l = given_name_r", "half turned round"),
        levels.CustomLevel(f"{given} or {family}", "half close"),
    )


def _digits(column: str, *more: ComparisonLevelCreator) -> ComparisonCreator:
    """What is told in figures and mistyped by one or two; then `more`."""
    slips = (_slips(column, 1, "one slip"), _slips(column, 2, "two slips"))
    return _steps(column, _unknown(column), _same(column, rarity=False), *slips, *more)


def _email(rarity: bool) -> ComparisonCreator:
    return _steps(
        "email",
        _unknown("email"),
        _same("email", rarity=rarity),
        levels.CustomLevel("split_part(email_l, '@', 1) = split_part(email_r, '@', 1)", "same user"),
        _slips("email", 2, "two slips"),
        _alike("email", NEAR, "close"),
    )


def _typed(column: str, rarity: bool) -> ComparisonCreator:
    return _steps(column, _unknown(column), _same(column, rarity=rarity), _slips(column, 1, "one slip"))


def _worded(column: str, rarity: bool) -> ComparisonCreator:
    close, alike = ALIKE
    alikes = (_alike(column, close, "close"), _alike(column, alike, "alike"))
    return _steps(column, _unknown(column), _same(column, rarity=rarity), *alikes)
