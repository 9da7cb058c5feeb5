"""Who is meant: from what a person can say of themselves to every token that is theirs alone."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from ingestion.contracts import ALL
from ingestion.contracts.contract import Contract, landed_key, landed_name
from ingestion.landing.ledger import Ledger, Load
from ingestion.privacy.normalise import IDENTIFYING, calling_code_of, kind_of, normalise
from ingestion.privacy.tokens import load_keys, token
from ingestion.privacy.vault import PLACE, Vault
from tillmill.errors import UsageError
from tillmill.workspace import Workspace

# A shorter code would be found in any file by chance.
_SHORTEST_WORD = 6
_STARTS, _ENDS = r"(?<![0-9A-Za-z])", r"(?![0-9A-Za-z])"
_BETWEEN_DIGITS = r"[ \-().]{0,2}"


@dataclass(frozen=True)
class Asked:
    """What was said: member numbers (or any other code of the person), phones, e-mails; of one source or of all."""

    members: tuple[str, ...] = ()
    phones: tuple[str, ...] = field(default=(), repr=False)
    emails: tuple[str, ...] = field(default=(), repr=False)
    source: str = ""


@dataclass(frozen=True)
class Person:
    """A person's tokens by kind, and the words (patterns) that files are searched for."""

    tokens: dict[str, frozenset[str]]
    words: list[str] = field(repr=False)


def visible_files(
    ledger: Ledger, contracts: Iterable[Contract], source: str = ""
) -> Iterable[tuple[Contract, Load, Path]]:
    """The landed files that count of these contracts' streams, each once with the first of its loads.

    Where files were merged, a row's `_load_id` says whose it is.
    """
    for contract in contracts:
        seen: set[Path] = set()
        for load in ledger.loads(source or None, contract.name):
            if load.state == "visible" and load.file is not None and load.file not in seen:
                seen.add(load.file)
                yield contract, load, load.file


def find_person(workspace: Workspace, ledger: Ledger, asked: Asked) -> Person:
    """The person who can say `asked` of themselves.

    From the members that match come their other codes, phones and e-mails, save those another member has too: what is
    shared is only taken where it was named. Raises UsageError where nothing identifying was said, or where a phone or
    an e-mail is that of several members and none is named.
    """
    given = _given(workspace, asked)
    known = _known(workspace, ledger, asked.source)
    matches = _matching(known, given)
    named = matches.filter(kind="code") if asked.members else matches
    members = named.select("source", "key").unique()
    if members["key"].n_unique() > max(1, len(asked.members)):
        raise UsageError(
            f"{members['key'].n_unique()} members have this phone or e-mail",
            state="Nothing was changed.",
            next_command="say which by --member, more than once where several are meant",
        )
    theirs = known.join(members, on=["source", "key"], how="semi")
    others = known.join(members, on=["source", "key"], how="anti").select("kind", "token").unique()
    alone = theirs.join(others, on=["kind", "token"], how="anti").select("kind", "token").unique()
    tokens = {
        kind: frozenset({*given.get(kind, ()), *alone.filter(kind=kind)["token"]})
        for kind in IDENTIFYING
        if kind in given or (alone["kind"] == kind).any()
    }
    return Person(tokens, _words(workspace, asked, tokens))


def _given(workspace: Workspace, asked: Asked) -> dict[str, frozenset[str]]:
    keys = load_keys(workspace)
    calling_code = calling_code_of(workspace.settings.brand)
    found: dict[str, frozenset[str]] = {}
    for kind, option, values in (
        ("code", "--member", asked.members),
        ("phone", "--phone", asked.phones),
        ("email", "--email", asked.emails),
    ):
        spelled = [normalise(kind, value, calling_code) for value in values]
        if None in spelled:
            raise UsageError(
                f"a value of {option} identifies nobody: it is empty, masked, shared by design or a placeholder",
                state="Nothing was changed.",
            )
        if spelled:
            found[kind] = frozenset(token(kind, one, keys.token, keys.later) for one in spelled if one is not None)
    if not found:
        raise UsageError("say who is meant by --member, --phone or --email", state="Nothing was changed.")
    return found


def _known(workspace: Workspace, ledger: Ledger, source: str) -> pl.DataFrame:
    """Every identifier of every version of every member: source, key, kind, token."""
    schema = {"source": pl.String, "key": pl.String, "kind": pl.String, "token": pl.String}
    found = [pl.DataFrame(schema=schema)]
    registers = [one for one in ALL.values() if len(one.key) == 1 and one.key[0] in one.personal]
    for contract, load, file in visible_files(ledger, registers, source):
        columns = {landed_name(contract, name): kind_of(name) for name in contract.personal}
        columns = {name: kind for name, kind in columns.items() if kind in IDENTIFYING}
        rows = pl.read_parquet(workspace.root / file, columns=list(columns))
        key = rows[landed_key(contract)[0]]
        for name, kind in columns.items():
            found.append(
                pl.DataFrame({"key": key, "token": rows[name]})
                .drop_nulls()
                .select(pl.lit(load.source).alias("source"), "key", pl.lit(kind).alias("kind"), "token")
                .unique()
            )
    return pl.concat(found).unique()


def _matching(known: pl.DataFrame, given: dict[str, frozenset[str]]) -> pl.DataFrame:
    is_given = [(pl.col("kind") == kind) & pl.col("token").is_in(list(some)) for kind, some in given.items()]
    return known.filter(pl.any_horizontal(is_given))


def _words(workspace: Workspace, asked: Asked, tokens: dict[str, frozenset[str]]) -> list[str]:
    """Patterns for the person's clear identifiers, from what was said and what the vault has under their tokens."""
    values = {("code", value) for value in asked.members}
    values |= {("phone", value) for value in asked.phones} | {("email", value) for value in asked.emails}
    if workspace.vault.exists():
        with Vault(workspace) as vault:
            found = vault.read(
                tokens=[one for some in tokens.values() for one in some], who="tillmill", purpose="to forget a person"
            )
        for name in (name for name in found.columns if name not in PLACE and kind_of(name) in IDENTIFYING):
            values |= {(kind_of(name), value) for value in found[name].drop_nulls()}
    keys = load_keys(workspace)
    calling_code = calling_code_of(workspace.settings.brand)
    words: set[str] = set()
    for kind, value in values:
        spelled = normalise(kind, value, calling_code)
        # An entry is found by one identifier; the others in it may be shared.
        if spelled is None or token(kind, spelled, keys.token, keys.later) not in tokens.get(kind, ()):
            continue
        if kind == "phone":
            words.add(_BETWEEN_DIGITS.join(spelled[-10:]) + _ENDS)
        elif len(spelled) >= _SHORTEST_WORD:
            words.add(_STARTS + re.escape(spelled) + _ENDS)
    return sorted(words)
