"""Says in plain words, with the place and the nearest valid key, why a settings table was refused."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

# pydantic's kinds of error, in the words of someone who fills in a file; {ge} and the like are the model's bounds.
_WORDS = {
    "missing": "is missing",
    "string_type": "must be text in quotes",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list, [[{key}]] starts each of its tables",
    "dict_type": "must be a table, [{key}], or {{ name = value }}",
    "model_type": "must be a table, [{key}], or {{ name = value }}",
    "literal_error": "must be {expected}",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
}


def in_words(error: ValidationError, model: type[BaseModel], given: object, at: str = "") -> str:
    """The first thing wrong with `given`, which `model` refused, as `place.key: words`; `at` is the place of `given`.

    A key that is not known comes before one that is missing: the one is mostly the other, misspelt. A value is shown
    only where a format is asked for, which no secret has.
    """
    first = min(error.errors(), key=lambda told: told["type"] != "extra_forbidden")
    where = _place(first["loc"], given)
    return f"{at}{'.' if at and where else ''}{where}{': ' if at or where else ''}{_words(first, model)}"


def _words(first: ErrorDetails, model: type[BaseModel]) -> str:
    kind, bounds = first["type"], first.get("ctx", {})
    *way, last = first["loc"] or ("",)
    inner = _model_at(model, way)
    if kind == "extra_forbidden":
        keys = list(inner.model_fields) if inner else []
        return "no such key" + (nearest(str(last), keys) or "; there are " + ", ".join(keys) if keys else "")
    if kind == "string_pattern_mismatch":
        field = inner.model_fields.get(str(last)) if inner else None
        wanted = field.description if field and field.description else f"text like {bounds['pattern']}"
        return f"{first['input']!r} is not {wanted}"
    if kind == "value_error":
        return str(bounds["error"])
    if kind in _WORDS:
        return _WORDS[kind].format(key=".".join(step for step in first["loc"] if isinstance(step, str)), **bounds)
    return f"{first['msg'][:1].lower()}{first['msg'][1:]}"


def closest(name: str, there: Sequence[str]) -> str | None:
    """The name that is most like this one, if any is; the same name in other letters is the closest."""
    by_letters = {other.casefold(): other for other in there}
    found = get_close_matches(name.casefold(), by_letters, n=1, cutoff=0.5)
    return by_letters[found[0]] if found and by_letters[found[0]] != name else None


def nearest(name: str, there: Sequence[str]) -> str:
    """Words that name the closest valid name, or none."""
    found = closest(name, there)
    return f"; did you mean {found!r}?" if found else ""


def _place(way: Sequence[str | int], given: object) -> str:
    """The way to a key, each table of a list by its name: `source 'till', stream 'pos.sale_lines': pull`."""
    tables: list[str] = []
    keys: list[str] = []
    at: Any = given
    for step in way:
        try:
            at = at[step]
        except (KeyError, IndexError, TypeError):
            at = None
        if isinstance(step, str):
            keys.append(step)
            continue
        # `sources` 0 is the source that calls itself so; a nameless one is told by its number.
        kind = keys.pop().removesuffix("s")
        name = (at.get("name") or at.get(kind)) if isinstance(at, dict) else None
        tables.append(".".join([*keys, f"{kind} {name!r}" if isinstance(name, str) else f"{kind} no. {step + 1}"]))
        keys = []
    return ": ".join(part for part in (", ".join(tables), ".".join(keys)) if part)


def _model_at(model: type[BaseModel], way: Sequence[str | int]) -> type[BaseModel] | None:
    """The model of the table that `way` leads to; None where it is no model of ours."""
    for step in way:
        if isinstance(step, int):
            continue
        field = model.model_fields.get(step)
        if field is None:
            return None
        inner = [kind for kind in (field.annotation, *get_args(field.annotation)) if isinstance(kind, type)]
        models = [kind for kind in inner if issubclass(kind, BaseModel)]
        if not models:
            return None
        model = models[0]
    return model
