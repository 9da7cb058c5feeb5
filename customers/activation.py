"""Whom a list may name: consent as it stands, one address each, and who stays out of it by chance."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import polars as pl

# Where each medium finds a person: the member's column.
ADDRESSES = {"email": "email", "sms": "phone", "wecom": "wecom_id", "mini_program": "union_id"}
FORMS = ("hashed", "clear")


@dataclass(frozen=True)
class Chosen:
    """`rows`: customer_id, record_token, address_token, is_holdout, one per customer; and why others are not in it."""

    rows: pl.DataFrame
    members: int
    without_consent: int
    without_address: int
    same_address: int


def standing_consents(answers: pl.DataFrame, purpose: str, medium: str) -> pl.DataFrame:
    """Return record_token, is_granted: the latest answer of each membership for this purpose and medium.

    `answers`: record_token, purpose, medium, given_at, is_granted, seq (the order of landing breaks ties; of two at one
    moment in one load a refusal stands).
    """
    return (
        answers.filter(pl.col("purpose") == purpose, pl.col("medium") == medium)
        .sort("record_token", "given_at", "seq", "is_granted", descending=[False, False, False, True])
        .group_by("record_token", maintain_order=True)
        .agg(pl.col("is_granted").last())
    )


def choose(
    inside: pl.DataFrame,
    owners: pl.DataFrame,
    consents: pl.DataFrame,
    addresses: pl.DataFrame,
    *,
    campaign: str,
    holdout_rate: float,
) -> Chosen:
    """Return whom a list names: those of `inside` who consent and have an address, each address once.

    `inside`: customer_id. `owners`: record_token, customer_id. `consents`: as `standing_consents`. `addresses`:
    record_token, address_token, updated_at of memberships. A customer with two memberships consents when none of them
    says no and one says yes, and is reached through one that says yes, the one changed last.
    """
    answered = consents.join(owners, on="record_token").join(inside.select("customer_id"), on="customer_id", how="semi")
    willing = answered.group_by("customer_id").agg(pl.col("is_granted").all()).filter("is_granted")
    reached = (
        answered.join(willing.select("customer_id"), on="customer_id", how="semi")
        .join(addresses.filter(pl.col("address_token").is_not_null()), on="record_token")
        .sort("customer_id", "updated_at", "record_token", descending=[False, True, False])
        .unique("customer_id", keep="first", maintain_order=True)
    )
    once = reached.unique("address_token", keep="first", maintain_order=True)
    rows = once.select("customer_id", "record_token", "address_token").with_columns(
        is_holdout=held_out(once["customer_id"], campaign, holdout_rate)
    )
    return Chosen(
        rows,
        inside.height,
        inside.height - willing.height,
        willing.height - reached.height,
        reached.height - once.height,
    )


def held_out(customers: pl.Series, campaign: str, rate: float) -> pl.Series:
    """Return who stays out: by chance, but always the same people of one campaign, and other ones of another.

    Each customer's number is drawn from the campaign's name and their id alone, so a list made again, or of another
    medium, keeps out whom the first one did.
    """
    limit = int(rate * 2**64)
    drawn = [
        int.from_bytes(hashlib.blake2b(f"{campaign}\n{one}".encode(), digest_size=8).digest(), "big") < limit
        for one in customers
    ]
    return pl.Series("is_holdout", drawn, dtype=pl.Boolean)


def hashed(address: str) -> str:
    """Return an address as advertising platforms match it: SHA-256 of the normalised value, in hexadecimal."""
    return hashlib.sha256(address.encode()).hexdigest()
