"""Customers keep their ids, whatever joins or parts them, and a never wins over every link."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import networkx as nx
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from customers.identity import IDENTITY_COLUMNS, resolve_customers
from customers.keys import LINK_COLUMNS, link_records

T0 = datetime(2017, 12, 4, 4, 1, 20, tzinfo=UTC)
COLUMNS = {
    "record_token": pl.String,
    "member_id_token": pl.String,
    "phone_token": pl.String,
    "email_token": pl.String,
    "union_id_token": pl.String,
    "name_token": pl.String,
    "seen_on": pl.Date,
}


def records(*rows: dict[str, object]) -> pl.DataFrame:
    whole = [dict.fromkeys(COLUMNS) | {"seen_on": date(2017, 3, 1)} | row for row in rows]
    return pl.DataFrame(whole, schema=COLUMNS)


def record(token: str, **keys: object) -> dict[str, object]:
    return {"record_token": token} | {key if key == "seen_on" else f"{key}_token": value for key, value in keys.items()}


def customers(found: pl.DataFrame) -> dict[str, str]:
    return dict(found.select("record_token", "customer_id").iter_rows())


def resolve(frame: pl.DataFrame, previous: pl.DataFrame | None = None, at: datetime = T0) -> pl.DataFrame:
    return resolve_customers(frame, link_records(frame), previous, at=at)


def never(left: str, right: str) -> pl.DataFrame:
    row = {"left_record": left, "right_record": right, "rule": "person", "model_version": "-"}
    return pl.DataFrame(
        [row | {"verdict": "never", "weight": 1.0, "evidence": "said so", "at": T0}], schema=LINK_COLUMNS
    )


def test_an_unchanged_record_gets_no_new_row() -> None:
    frame = records(record("a", phone="p"), record("b", phone="p"), record("c"))
    first = resolve(frame)
    assert dict(first.schema) == IDENTITY_COLUMNS
    assert first["reason"].to_list() == ["new"] * 3
    assert resolve(frame, first, T0 + timedelta(days=1)).is_empty()


def test_a_customer_keeps_its_id_when_a_smaller_token_joins() -> None:
    first = resolve(records(record("m", phone="p"), record("n", phone="p")))
    second = resolve(records(record("m", phone="p"), record("n", phone="p"), record("a", phone="p")), first)
    assert second.select("record_token", "customer_id", "reason").rows() == [("a", customers(first)["m"], "new")]


def test_the_majority_keeps_its_id_when_two_customers_merge() -> None:
    first = resolve(records(record("a"), record("b", phone="p"), record("c", phone="p")))
    frame = records(record("a", email="e"), record("b", phone="p", email="e"), record("c", phone="p"))
    second = resolve(frame, first, T0 + timedelta(days=1))
    moved = [("a", customers(first)["b"], customers(first)["a"], "merged")]
    assert second.select("record_token", "customer_id", "previous_customer_id", "reason").rows() == moved


def test_a_tie_goes_to_the_customer_known_longest() -> None:
    young = resolve(records(record("a")), at=T0)
    old = resolve(records(record("b")), at=T0 - timedelta(days=9))
    frame = records(record("a", email="e"), record("b", email="e"))
    second = resolve(frame, pl.concat([young, old]), T0 + timedelta(days=1))
    assert second.select("record_token", "customer_id").rows() == [("a", customers(old)["b"])]


def test_a_split_never_reuses_the_id_the_others_keep() -> None:
    whole = records(record("a", phone="p"), record("b", phone="p"), record("c", phone="p"))
    first = resolve(whole)
    second = resolve(records(record("a"), record("b", phone="p"), record("c", phone="p")), first, T0)
    assert second["record_token"].to_list() == ["a"]
    assert second["reason"].to_list() == ["split"]
    assert second["customer_id"][0] != customers(first)["a"]
    assert second["decided_at"][0] > first["decided_at"][0], "the history's key must not repeat at a pinned clock"


def test_an_id_that_a_component_gives_up_is_kept_by_who_else_had_it() -> None:
    """X has r1 to r4, Y r5 to r9; r5 to r7 join X. X keeps its id, and Y lives on in r8 and r9."""
    x, y = [f"r{number}" for number in range(1, 5)], [f"r{number}" for number in range(5, 10)]
    first = resolve(records(*(record(one, phone="x") for one in x), *(record(one, phone="y") for one in y)))
    moved, left = y[:3], y[3:]
    frame = records(
        *(record(one, phone="x") for one in [*x, *moved]), *(record(one, phone="y", email="e") for one in left)
    )
    second = resolve(frame, first, T0 + timedelta(days=1))
    before = customers(first)
    assert second.select("record_token", "customer_id", "reason").rows() == [
        (one, before["r1"], "merged") for one in moved
    ]
    assert resolve(frame.reverse(), first.reverse(), T0 + timedelta(days=1)).equals(second)


def test_ids_pass_on_until_nobody_is_left_who_had_one() -> None:
    """A had four, B five, C three: the first group keeps A, the second B in spite of having more of C, the third C."""
    owners = {**dict.fromkeys("abcd", "A"), **dict.fromkeys("efghi", "B"), **dict.fromkeys("jkl", "C")}
    first = resolve(records(*(record(token, phone=owner) for token, owner in owners.items())))
    groups = {**dict.fromkeys("abcdefg", "1"), **dict.fromkeys("hij", "2"), **dict.fromkeys("kl", "3")}
    second = resolve(records(*(record(token, phone=group) for token, group in groups.items())), first)
    before, after = customers(first), customers(first) | customers(second)
    assert {after[token] for token in "abcdefg"} == {before["a"]}
    assert {after[token] for token in "hij"} == {before["e"]}
    assert {after[token] for token in "kl"} == {before["j"]}


def test_never_wins_however_long_the_way() -> None:
    frame = records(
        record("a", phone="1"),
        record("b", phone="1", email="2"),
        record("c", email="2", union_id="3"),
        record("d", union_id="3"),
    )
    links = pl.concat([link_records(frame), never("a", "d")])
    found = customers(resolve_customers(frame, links, None, at=T0))
    assert found["a"] != found["d"]
    assert found["b"] == found["c"] == found["d"], "the phone is the weakest of the three and gives in"


def test_taking_a_shared_key_away_parts_the_customers() -> None:
    shared = records(record("a", phone="p"), record("b", phone="p"))
    assert len(set(customers(resolve(shared)).values())) == 1
    assert len(set(customers(resolve(records(record("a", phone="p"), record("b")))).values())) == 2


@st.composite
def populations(draw: st.DrawFn) -> pl.DataFrame:
    key = st.one_of(st.none(), st.sampled_from(["k1", "k2", "k3", "k4", "k5"]))
    count = draw(st.integers(1, 14))
    rows = [
        record(
            f"r{number:02d}",
            phone=draw(key),
            email=draw(key),
            union_id=draw(key),
            seen_on=date(2017, 1, 1) + timedelta(days=draw(st.integers(0, 3))),
        )
        for number in range(count)
    ]
    return records(*rows)


@given(populations())
@settings(max_examples=100, deadline=None)
def test_customers_are_the_components_of_shared_keys_in_any_order(frame: pl.DataFrame) -> None:
    graph = nx.Graph()
    graph.add_nodes_from(frame["record_token"])
    for column in ("phone_token", "email_token", "union_id_token"):
        for row in frame.filter(pl.col(column).is_not_null()).iter_rows(named=True):
            graph.add_edge(row["record_token"], (column, row[column]))
    groups = {frozenset(node for node in group if isinstance(node, str)) for group in nx.connected_components(graph)}
    found = resolve(frame)
    assert {frozenset(group) for group in found.group_by("customer_id").agg("record_token")["record_token"]} == groups
    assert resolve(frame.reverse()).equals(found)


@given(populations(), populations())
@settings(max_examples=60, deadline=None)
def test_history_is_append_only_and_settles(before: pl.DataFrame, after: pl.DataFrame) -> None:
    first = resolve(before)
    second = resolve(after, first, T0 + timedelta(days=1))
    history = pl.concat([first, second])
    assert history.select("record_token", "decided_at").is_duplicated().sum() == 0
    assert resolve(after, history, T0 + timedelta(days=2)).is_empty()
    current = history.sort("decided_at").group_by("record_token").last().join(after, on="record_token", how="semi")
    fresh = resolve(after)
    pairs = fresh.join(current, on="record_token", suffix="_kept").select("customer_id", "customer_id_kept").unique()
    assert pairs.height == fresh["customer_id"].n_unique() == current["customer_id"].n_unique()


@given(populations(), populations())
@settings(max_examples=60, deadline=None)
def test_no_customer_is_new_while_an_id_of_its_records_is_free(before: pl.DataFrame, after: pl.DataFrame) -> None:
    """Against the rule spelled out pair by pair: most records first, ties to the older id (here: by id, component)."""
    first = resolve(before)
    found = customers(first) | customers(resolve(after, first, T0 + timedelta(days=1)))
    components = customers(resolve(after))
    had = customers(first)
    pairs = Counter((component, had[token]) for token, component in components.items() if token in had)
    smallest = {component: min(one for one in components if components[one] == component) for component, _ in pairs}
    kept: dict[str, str] = {}
    for component, customer in sorted(pairs, key=lambda pair: (-pairs[pair], pair[1], smallest[pair[0]])):
        if component not in kept and customer not in kept.values():
            kept[component] = customer
    for token, component in components.items():
        assert found[token] == kept.get(component, found[token])
    assert not {found[token] for token in components if components[token] not in kept} & set(had.values())


def test_a_hundred_thousand_records_take_seconds() -> None:
    count = 100_000
    frame = (
        pl.DataFrame(
            {
                "record_token": [f"{number * 2654435761 % 2**32:08x}" for number in range(count)],
                "member_id_token": [f"m{number % 2400}" if number % 10 else None for number in range(count)],
                "phone_token": [f"p{number % 2400}" if number % 10 == 5 else None for number in range(count)],
            }
        )
        .with_columns(
            pl.lit(None, pl.String).alias(column) for column in ("email_token", "union_id_token", "name_token")
        )
        .with_columns(seen_on=pl.lit(date(2017, 3, 1)))
    )
    started = time.perf_counter()
    links = link_records(frame)
    found = resolve_customers(frame, links, None, at=T0)
    assert links.height < 2 * count
    assert found.height == count
    assert time.perf_counter() - started < 15


def test_no_records_no_customers() -> None:
    nothing = records()
    assert link_records(nothing).is_empty()
    assert resolve(nothing).is_empty()
