"""Only who consents is named, once each, and the hold-out is by chance and stays the campaign's."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import polars as pl

from customers.activation import Chosen, choose, hashed, held_out, standing_consents

START = datetime(2017, 1, 1, tzinfo=UTC)


def answers(*rows: tuple[str, str, str, int, bool]) -> pl.DataFrame:
    """record, purpose, medium, day, granted."""
    return pl.DataFrame(
        [(who, why, how, START + timedelta(days=day), yes, seq) for seq, (who, why, how, day, yes) in enumerate(rows)],
        schema=["record_token", "purpose", "medium", "given_at", "is_granted", "seq"],
        orient="row",
    )


def test_the_latest_answer_holds_for_its_purpose_and_medium_alone() -> None:
    said = answers(
        ("a", "marketing", "email", 9, False),
        ("a", "marketing", "email", 1, True),  # said before, landed later
        ("a", "marketing", "sms", 1, True),
        ("b", "service", "email", 1, True),
        ("c", "marketing", "email", 1, False),
        ("c", "marketing", "email", 2, True),
        ("d", "marketing", "email", 3, False),
        ("d", "marketing", "email", 3, True),
    )
    found = dict(standing_consents(said.with_columns(seq=pl.lit(1)), "marketing", "email").iter_rows())
    assert found == {"a": False, "c": True, "d": False}  # of two at one moment a refusal stands


def chosen(rate: float, consents: dict[str, bool], addresses: dict[str, str | None], owners: dict[str, str]) -> Chosen:
    frame = pl.DataFrame(
        [(record, address, START) for record, address in addresses.items()],
        schema={"record_token": pl.String, "address_token": pl.String, "updated_at": pl.Datetime("us", "UTC")},
        orient="row",
    )
    return choose(
        pl.DataFrame({"customer_id": sorted(set(owners.values()))}),
        pl.DataFrame(list(owners.items()), schema=["record_token", "customer_id"], orient="row"),
        pl.DataFrame(list(consents.items()), schema=["record_token", "is_granted"], orient="row"),
        frame,
        campaign="spring",
        holdout_rate=rate,
    )


def test_everybody_in_the_segment_is_accounted_for() -> None:
    found = chosen(
        0.0,
        {"m1": True, "m2": True, "m3": False, "m4": True, "m5": True, "m6": True},
        {"m1": "A", "m2": None, "m3": "C", "m4": "D", "m5": "A", "m6": "F"},
        {"m1": "ana", "m2": "bo", "m3": "cy", "m4": "cy", "m5": "di", "m6": "ed", "m7": "fi"},
    )
    assert found.rows["customer_id"].to_list() == ["ana", "ed"]
    counts = (found.members, found.without_consent, found.without_address, found.same_address)
    # cy said no to one club and yes to another; fi never answered; bo left no address; di shares ana's phone.
    assert counts == (6, 2, 1, 1)


def test_the_hold_out_is_a_share_by_chance_the_same_for_a_campaign_and_another_for_the_next() -> None:
    people = pl.Series([f"c{number}" for number in range(4000)])
    spring, again, autumn = (held_out(people, name, 0.1) for name in ("spring", "spring", "autumn"))
    assert spring.equals(again)
    assert 0.08 < float(spring.mean()) < 0.12  # type: ignore[arg-type]
    both = int((spring & autumn).sum())
    assert both < 0.03 * people.len()
    wider = held_out(people, "spring", 0.2)
    assert not (spring & ~wider).any()
    assert not held_out(people, "spring", 0.0).any()
    # Who else is in the list changes nobody's lot.
    assert held_out(people.tail(50), "spring", 0.1).to_list() == spring.tail(50).to_list()


def test_a_hash_is_what_platforms_match_by() -> None:
    assert hashed("lina@example.com") == hashlib.sha256(b"lina@example.com").hexdigest()
