"""Which pairs of records are looked at at all: those that agree on something rare enough."""

from __future__ import annotations

import polars as pl

# What a pair may agree on, the most telling first.
AGREEMENTS: tuple[tuple[str, ...], ...] = (
    ("national_id",), ("member_id",), ("email",), ("phone",),
    ("full_name", "birth_date"), ("full_name", "postcode"), ("full_name", "street"), ("full_name", "phone_end"),
    ("email_user",), ("full_name", "city"), ("full_name", "birth_year"),
    ("surname", "birth_date"), ("given_name", "birth_date"), ("street", "street_number"), ("birth_date", "postcode"),
    ("street", "suburb"), ("street", "city"), ("surname", "postcode"), ("given_name", "postcode"),
    ("surname", "suburb"), ("given_name", "suburb"), ("surname", "city"), ("given_name", "city"),
    ("birth_date",), ("full_name",), ("street",), ("phone_end",),
    ("surname",), ("given_name",), ("name_start",), ("birth_year", "city"), ("birth_year",), ("postcode",), ("city",),
)  # fmt: skip
FEWEST_PAIRS = 2_000_000  # small files are looked at nearly whole
PAIRS_PER_RECORD = 20


def with_block_columns(table: pl.DataFrame) -> pl.DataFrame:
    """Return `table` (`roles.conform`) with what its values begin or end with, where it has the roles."""
    made = {
        "birth_year": ("birth_date", pl.col("birth_date").str.head(4)),
        "email_user": ("email", pl.col("email").str.extract(r"^(.{3,})@", 1)),
        "phone_end": ("phone", pl.col("phone").str.extract(r"(\d{4})$", 1)),
        "name_start": (
            "surname",
            pl.concat_str(pl.col("surname").str.head(2), pl.col("given_name").str.head(2)),
        ),
    }
    return table.with_columns(**{name: part for name, (role, part) in made.items() if role in table.columns})


def pairs_of(table: pl.DataFrame, agreement: tuple[str, ...], *, across: str | None = None) -> int:
    """Return how many pairs of rows agree on all these columns; with `across`, those alone that differ in it."""
    known = table.filter(pl.all_horizontal(pl.col(column).is_not_null() for column in agreement))
    pairs = _pairs(known, agreement)
    return pairs - _pairs(known, (*agreement, across)) if across else pairs


def _pairs(known: pl.DataFrame, by: tuple[str, ...]) -> int:
    sizes = known.group_by(by).agg(n=pl.len().cast(pl.Int64))
    return int(sizes.select((pl.col("n") * (pl.col("n") - 1) // 2).sum()).item())


def choose(
    table: pl.DataFrame,
    *,
    across: str | None = None,
    agreements: tuple[tuple[str, ...], ...] = AGREEMENTS,
    pairs_per_record: int = PAIRS_PER_RECORD,
) -> dict[tuple[str, ...], int]:
    """Return the agreements to look at, with their pairs: each in turn that still fits what may be looked at.

    `table`: as of `with_block_columns`. All together stay below `pairs_per_record` pairs a record, or `FEWEST_PAIRS`.
    """
    left = max(FEWEST_PAIRS, pairs_per_record * table.height)
    chosen: dict[tuple[str, ...], int] = {}
    for agreement in agreements:
        if any(column not in table.columns for column in agreement):
            continue
        if any(set(wide) <= set(agreement) for wide in chosen):
            continue  # what agrees on fewer columns has them all
        pairs = pairs_of(table, agreement, across=across)
        if 0 < pairs <= left:
            chosen[agreement] = pairs
            left -= pairs
    return chosen
