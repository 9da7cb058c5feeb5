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


def comparisons_of(roles: set[str]) -> list[ComparisonCreator]:
    """Return the comparisons for a table with these role columns (`roles.conform`), one per idea."""
    found: list[ComparisonCreator] = []
    if {"given_name", "surname", "name"} & roles:
        found.append(_names())
    made = {"birth_date": _birth_date, "national_id": _national_id, "email": _email}
    found += [make() for role, make in made.items() if role in roles]
    found += [_typed(role) for role in ("phone", "street_number", "postcode") if role in roles]
    found += [_worded(role) for role in ("street", "street_more", "suburb", "city") if role in roles]
    found += [_steps(role, _unknown(role), _same(role)) for role in ("state", "gender", "member_id") if role in roles]
    return found


def _steps(name: str, *steps: ComparisonLevelCreator) -> ComparisonCreator:
    unlike = levels.ElseLevel().configure(label_for_charts="unlike")
    return comparisons.CustomComparison(output_column_name=name, comparison_levels=[*steps, unlike])


def _unknown(column: str) -> ComparisonLevelCreator:
    return levels.NullLevel(column)


def _same(column: str, label: str = "same", *, rarity: bool = True) -> ComparisonLevelCreator:
    """Equal values; with `rarity` a rare one says more than a common one."""
    return levels.ExactMatchLevel(column, term_frequency_adjustments=rarity).configure(label_for_charts=label)


def _slips(column: str, count: int, label: str) -> ComparisonLevelCreator:
    return levels.DamerauLevenshteinLevel(column, count).configure(label_for_charts=label)


def _alike(column: str, threshold: float, label: str) -> ComparisonLevelCreator:
    return levels.JaroWinklerLevel(column, threshold).configure(label_for_charts=label)


def _names() -> ComparisonCreator:
    """Both names together, since people turn them round and misspell one."""
    near = "jaro_winkler_similarity({}_l, {}_r) >= 0.88"
    given, family = near.format("given_name", "given_name"), near.format("surname", "surname")
    turned, turned_too = near.format("given_name", "surname"), near.format("surname", "given_name")
    same, turned_round, close, turned_and_close = WHOLE_NAME
    return _steps(
        "name",
        levels.And(_unknown("given_name"), _unknown("surname")),
        _same("full_name", same),
        levels.CustomLevel("given_name_l = surname_r and surname_l = given_name_r", turned_round),
        levels.CustomLevel(f"{given} and {family}", close),
        levels.CustomLevel(f"{turned} and {turned_too}", turned_and_close),
        _same("surname", "same surname"),
        _same("given_name", "same given name"),
        levels.CustomLevel("given_name_l = surname_r or surname_l = given_name_r", "half turned round"),
        levels.CustomLevel(f"{given} or {family}", "half close"),
    )


def _birth_date() -> ComparisonCreator:
    return _steps(
        "birth_date",
        _unknown("birth_date"),
        _same("birth_date", rarity=False),
        _slips("birth_date", 1, "one slip"),
        _slips("birth_date", 2, "two slips"),
        levels.CustomLevel("left(birth_date_l, 4) = left(birth_date_r, 4)", "same year"),
    )


def _national_id() -> ComparisonCreator:
    return _steps(
        "national_id",
        _unknown("national_id"),
        _same("national_id", rarity=False),
        _slips("national_id", 1, "one slip"),
        _slips("national_id", 2, "two slips"),
    )


def _email() -> ComparisonCreator:
    return _steps(
        "email",
        _unknown("email"),
        _same("email"),
        levels.CustomLevel("split_part(email_l, '@', 1) = split_part(email_r, '@', 1)", "same user"),
        _slips("email", 2, "two slips"),
        _alike("email", NEAR, "close"),
    )


def _typed(column: str) -> ComparisonCreator:
    return _steps(column, _unknown(column), _same(column), _slips(column, 1, "one slip"))


def _worded(column: str) -> ComparisonCreator:
    close, alike = ALIKE
    return _steps(
        column, _unknown(column), _same(column), _alike(column, close, "close"), _alike(column, alike, "alike")
    )
