"""One page from raw to landed shape: mapped, cast, checked, protected; every row comes out good or bad."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import polars as pl

from ingestion.casting import cast
from ingestion.checking import REASONS, ROW, Findings, check, flag
from ingestion.connectors.page import FAULT, FILE, LINE, OBSERVED, OP, RAW, RESERVED, Page
from ingestion.contracts.columns import TIMESTAMP
from ingestion.contracts.contract import Contract, landed_name, landed_schema
from ingestion.kinds import kinds
from ingestion.mapping import Mapped, apply, reading, uncut
from ingestion.privacy.masking import mask, mask_column
from ingestion.privacy.normalise import kind_of
from ingestion.privacy.seal import seal
from ingestion.privacy.search import Finder
from ingestion.privacy.signs import PERSON, REACHABLE, people_fields
from ingestion.privacy.suppression import Erased, Tokens, erase
from ingestion.privacy.tokens import Keys, tokenise
from ingestion.sources import Stream
from ingestion.unused import unwanted
from tillmill.errors import ContractError

DELETE_WORDS = ("true", "1", "yes", "y", "t", "delete", "deleted")
FORGOTTEN = "a person who asked to be forgotten"
IDENTIFIERS = ("sku", "gtin", "unit", "base_unit", "tag", "in_reply_to")
IDENTIFIER_ENDS = ("_id", "_sku", "_code")
# Beside rows on their way: whether their unmapped fields are to be encrypted.
SEALS = "_seals"


@dataclass(frozen=True)
class Prepared:
    """A checked page.

    `good`: the contract's columns as they land, then `_row` (place in the page, from 0), `_op`, `_extra`, `_flags`.
    `bad`: row, position, field ('' where the record cannot be read), reason, raw (the record as JSON, or its text where
    it cannot be read; sealed; empty where it is of a person who asked to be forgotten),
    file, line, observed_at, op. `extra_fields`: raw fields that neither the mapping nor `unused` names; `lost_fields`:
    mapped fields that the page does not have. `clear`: `_row`, the vaulted columns in clear and as tokens, of the good
    rows that have any; None for a stream that keeps nothing clear. `kinds`: of mapped fields that no person fills, what
    they hold; of unmapped ones that some person does, that they do (`signs.PERSON`).
    """

    good: pl.DataFrame
    bad: pl.DataFrame
    extra_fields: list[str]
    lost_fields: list[str]
    clear: pl.DataFrame | None = None
    kinds: Mapping[str, Sequence[str]] = field(default_factory=dict)


def prepare(stream: Stream, page: Page, keys: Keys) -> Prepared:
    """The page's rows, each in exactly one of `good` and `bad`.

    Raises ContractError where an expression of the mapping fails throughout, or a record stands in the header's place.
    """
    contract, findings = stream.contract, Findings()
    records = page.records.drop(stream.drop, strict=False)
    records = records.with_row_index(ROW).with_columns(pl.col(ROW).cast(pl.Int64))
    readable = records.filter(pl.col(FAULT).is_null()) if FAULT in records.columns else records
    raw = [name for name in readable.columns if name not in (*RESERVED, ROW)]
    _refuse_values_as_names(stream, raw)
    mapped = apply(readable, stream.rules, contract, stream.where)
    typed, originals = _typed(stream, page, readable, mapped, findings)
    typed = typed.with_columns(_operation(stream, readable))
    _say_uncut(stream, raw, mapped, typed, findings)
    check(contract, typed, page.extracted_at, findings)
    flag(contract, typed, readable.select(raw), findings)
    clear = typed.select(ROW, *contract.vaulted)
    for column in contract.personal:
        typed, lost = _protected(stream, typed, column, keys, findings)
        originals |= lost
    failed = findings.failed_rows()
    unused = [name for name in raw if name not in mapped.used and name != stream.deletes]
    extra = _as_json(readable, {name: readable[name] for name in unused} | originals)
    carrying = _carrying(stream, readable, unused)
    seals = _seals(stream, readable, carrying)
    typed = typed.with_columns(extra, seals, findings.flag_column(typed[ROW]).alias("_flags"))
    tokens = keys.suppressed.of(stream.source)
    erased = _erased(stream, page, typed, tokens, keys)
    typed = erased.rows
    good = typed.join(failed, on=ROW, how="anti", maintain_order="left") if failed.height else typed
    good = _sealed(stream, good, keys)
    kept = _kept(contract, clear, good, typed[ROW].filter(erased.gone | erased.unlinked))
    good = good.select(*landed_schema(contract), ROW, "_op", "_extra", "_flags")
    bad = _bad(stream, page, records, failed, keys, tokens)
    if good.height + bad.height != page.records.height:
        raise AssertionError(f"{stream.where}: {page.records.height} rows in, {good.height} + {bad.height} out")
    known = unwanted(unused, stream.unused)
    news = [name for name in unused if name not in known]
    drift = [name for name in news if readable[name].null_count() < readable.height]
    missing = sorted(mapped.lost) if records.height else []
    held = _kinds(stream, readable, mapped.used) | {name: [PERSON] for name in carrying}
    return Prepared(good, bad, drift, missing, kept, held)


def _kinds(stream: Stream, readable: pl.DataFrame, used: set[str]) -> dict[str, list[str]]:
    """The kinds of what each mapped field holds; how people write their names and phones is no news."""
    contract = stream.contract
    spoken = {*contract.personal, *contract.free_text}
    theirs = {rule.field for column, rule in stream.rules.items() if column in spoken} | spoken
    return {name: found for name in sorted(used - theirs) if (found := kinds(readable[name]))}


def _carrying(stream: Stream, readable: pl.DataFrame, unused: list[str]) -> list[str]:
    """The unmapped fields in which people stand, here or before, where the workspace file does not say."""
    if stream.is_sealed or stream.may_carry is False:
        return []
    seen = people_fields(readable, unused)
    return [name for name in unused if name in seen or name in stream.carries]


def _seals(stream: Stream, readable: pl.DataFrame, carrying: list[str]) -> pl.Series:
    """Which rows' unmapped fields are encrypted: all of a stream with people, else those that have such a field."""
    if carrying:
        return readable.select(pl.any_horizontal(pl.col(carrying).is_not_null()).alias(SEALS)).to_series()
    return pl.repeat(stream.is_sealed, readable.height, dtype=pl.Boolean, eager=True).alias(SEALS)


def _sealed(stream: Stream, good: pl.DataFrame, keys: Keys) -> pl.DataFrame:
    """The rows with `_extra` encrypted where it is to be."""
    told = pl.col(SEALS) & pl.col("_extra").is_not_null()
    # Equal texts stay equal, as equal tokens do; sealing each once is what keeps a page of 200,000 rows cheap.
    texts = good.filter(told)["_extra"].unique(maintain_order=True)
    if texts.is_empty():
        return good
    sealed = seal(texts.to_list(), keys.sealing, stream.context, ["_extra"] * texts.len())
    anew = pl.col("_extra").replace_strict(texts, sealed, default=None, return_dtype=pl.String)
    return good.with_columns(pl.when(told).then(anew).otherwise("_extra").alias("_extra"))


def _refuse_values_as_names(stream: Stream, names: list[str]) -> None:
    """A file without a header line would put its first person's phone among the names of fields, for all to read."""
    if any(mask(name, is_name=True) != name for name in names):
        raise ContractError(
            f"{stream.where}: a field's name is a phone or an e-mail address: the header line seems to be missing",
            state="Nothing of this pull has landed; its cursor has not moved.",
            next_command="give the source a header line, then: tillmill run",
        )


def _erased(stream: Stream, page: Page, typed: pl.DataFrame, tokens: Tokens, keys: Keys) -> Erased:
    """The rows without people who asked to be forgotten, known by their tokens or by what unknown fields say."""
    nobody = pl.repeat(False, typed.height, dtype=pl.Boolean, eager=True)
    if not tokens or not (stream.contract.is_sealed or typed[SEALS].any()):
        return Erased(typed, nobody, nobody)
    finder = _finder(stream, tokens, keys)
    texts = typed.filter(pl.col(SEALS), pl.col("_extra").str.contains(REACHABLE))["_extra"].unique()
    named = typed["_extra"].is_in([text for text in texts if finder.holds(text)]).fill_null(False)
    # A position may have the name of a file in it, and that a person's.
    place = hashlib.blake2b(f"{stream.context}|{page.position}".encode(), digest_size=8).hexdigest()
    return erase(stream.contract, typed, tokens, pl.lit(place), named)


def _finder(stream: Stream, tokens: Tokens, keys: Keys) -> Finder:
    found = Finder(tokens, keys, (stream.calling_code, ""))
    return found if stream.is_sealed else found.by_shape()


def _kept(contract: Contract, clear: pl.DataFrame, good: pl.DataFrame, forgotten: pl.Series) -> pl.DataFrame | None:
    """What of the good rows goes to the vault: values that have a token, beside it, of nobody who is to be left out."""
    if not contract.vaulted:
        return None
    tokens = [landed_name(contract, name) for name in contract.vaulted]
    rows = good.filter(pl.any_horizontal(pl.col(tokens).is_not_null()), ~pl.col(ROW).is_in(forgotten.implode()))
    found = rows.select(ROW, *tokens).join(clear, on=ROW, how="left", maintain_order="left")
    return found.with_columns(
        pl.when(pl.col(token).is_not_null()).then(name).alias(name)
        for name, token in zip(contract.vaulted, tokens, strict=True)
    )


def _typed(
    stream: Stream, page: Page, readable: pl.DataFrame, mapped: Mapped, findings: Findings
) -> tuple[pl.DataFrame, dict[str, pl.Series]]:
    """The contract's columns in their types beside `_row`; what was changed on the way, as it was, by `_extra` name."""
    contract, rows = stream.contract, readable[ROW]
    columns: dict[str, pl.Series] = {ROW: rows}
    originals: dict[str, pl.Series] = {}
    for column, spec in contract.schema.columns().items():
        dtype = spec.dtype
        if column not in mapped.values:
            columns[column] = pl.repeat(None, readable.height, dtype=dtype, eager=True)
            continue
        found = cast(
            mapped.values[column],
            dtype,
            reading(stream.rules.get(column), stream.timezone),
            _is_identifier(contract, column),
        )
        columns[column] = found.values
        if found.hinted is not None:
            findings.fail(rows.filter(found.hinted), column, found.hint)
        if found.failed is not None:
            findings.fail(rows.filter(found.failed), column, found.why)
        if column in mapped.failed:
            findings.fail(rows.filter(mapped.failed[column]), column, mapped.reasons[column])
        for name, odd in found.notes.items():
            findings.flag(name, rows.filter(odd))
        if column in contract.free_text:
            columns[column], masked = mask_column(found.values)
            findings.flag("masked", rows.filter(masked))
        if "normalised" in found.notes:
            originals[f"{column}_original"] = _where(found.notes["normalised"], mapped.values[column])
    return pl.DataFrame(columns).with_columns(_defaults(stream, page, readable)), originals


def _say_uncut(stream: Stream, raw: list[str], mapped: Mapped, typed: pl.DataFrame, findings: Findings) -> None:
    """Says once of each row that lacks a needed column because its file's header was not cut, what would cut it."""
    missed = mapped.lost.union(name for name in stream.contract.columns if name not in {*stream.rules, *raw})
    if stream.hands_over_files and (said := uncut(raw, missed)):
        needed = (name for name, spec in stream.contract.schema.columns().items() if not spec.nullable)
        empty = (name for name in needed if name not in mapped.values and typed[name].null_count())
        for column in islice(empty, 1):
            findings.fail(typed[ROW].filter(typed[column].is_null()), column, f"{REASONS['nullability']}: {said}")


def _is_identifier(contract: Contract, column: str) -> bool:
    """Columns whose text means the same in any Unicode form; personal ones are normalised with their token."""
    if column in contract.personal:
        return False
    return column.endswith(IDENTIFIER_ENDS) or column in contract.key or column in IDENTIFIERS


def _defaults(stream: Stream, page: Page, readable: pl.DataFrame) -> list[pl.Expr]:
    """What stands in for a null: the contract's own defaults, the brand's currency, and when the source said it."""
    contract = stream.contract
    filled = [pl.col(name).fill_null(value) for name, value in contract.defaults.items()]
    # A rate that does not say of which currency it is, is no rate of the brand's own.
    if "currency" in contract.columns and "currency" not in contract.key:
        filled.append(pl.col("currency").fill_null(stream.currency))
    said = pl.lit(page.extracted_at, dtype=TIMESTAMP)
    if OBSERVED in readable.columns:
        # A file's time may be ahead of a pinned or lagging clock, but nothing was said after it was read.
        told = readable[OBSERVED].str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", strict=False, time_unit="us")
        said = pl.min_horizontal(pl.lit(told.dt.replace_time_zone("UTC")), said)
    # A value that could not be read stays null and fails; only one that was not stated is filled.
    return [*filled, pl.col(contract.version).fill_null(said)]


def _operation(stream: Stream, readable: pl.DataFrame) -> pl.Series:
    if OP in readable.columns:
        return readable[OP].fill_null("upsert")
    if stream.deletes is None or stream.deletes not in readable.columns:
        return pl.repeat("upsert", readable.height, dtype=pl.String, eager=True).alias("_op")
    is_deleted = readable[stream.deletes].str.strip_chars().str.to_lowercase().is_in(DELETE_WORDS).fill_null(False)
    return pl.select(pl.when(is_deleted).then(pl.lit("delete")).otherwise(pl.lit("upsert")).alias("_op")).to_series()


def _protected(
    stream: Stream, typed: pl.DataFrame, column: str, keys: Keys, findings: Findings
) -> tuple[pl.DataFrame, dict[str, pl.Series]]:
    """The frame with the column's token in its place, and the values that identify nobody, by `_extra` name."""
    rule = stream.rules.get(column)
    calling_code = (rule.calling_code if rule else "") or stream.calling_code
    clear = typed[column]
    token = tokenise(clear, kind_of(column), keys.token, calling_code, keys.later)
    nobody = clear.is_not_null() & token.is_null()
    lost: dict[str, pl.Series] = {}
    if nobody.any():
        rows = typed[ROW].filter(nobody)
        if column in stream.contract.key:
            findings.fail(rows, column, "identifies nobody")
        findings.flag(f"unusable_{column}", rows)
        lost[f"{column}_original"] = _where(nobody, clear)
    name = landed_name(stream.contract, column)
    return typed.with_columns(token.alias(column)).rename({column: name}), lost


def _where(mask: pl.Series, values: pl.Series) -> pl.Series:
    return pl.DataFrame({"m": mask, "v": values}).select(pl.when("m").then("v")).to_series()


def _as_json(readable: pl.DataFrame, fields: dict[str, pl.Series]) -> pl.Series:
    """The fields of each row as one JSON object, null where none has a value."""
    stated = {name: values for name, values in fields.items() if values.null_count() < values.len()}
    if not stated:
        return pl.repeat(None, readable.height, dtype=pl.String, eager=True).alias("_extra")
    frame = pl.DataFrame(stated)
    text = pl.struct(pl.all()).struct.json_encode()
    return frame.select(pl.when(~pl.all_horizontal(pl.all().is_null())).then(text).alias("_extra")).to_series()


def _positions(page: Page, records: pl.DataFrame) -> pl.Series:
    """Where each record stands in its source, in words."""
    if LINE not in records.columns:
        place = pl.lit(f"{page.position}, row ") + (pl.col(ROW) + 1).cast(pl.String)
    elif FILE in records.columns:
        number = pl.col(LINE).cast(pl.String)
        # A record of an answer is already told by its number.
        is_told = pl.col(FILE).str.ends_with(", record " + number)
        place = pl.when(is_told).then(FILE).otherwise(pl.col(FILE) + ":" + number)
    else:
        place = pl.lit(f"{page.position}, record ") + pl.col(LINE).cast(pl.String)
    return records.select(place.alias("position")).to_series()


def _bad(
    stream: Stream, page: Page, records: pl.DataFrame, failed: pl.DataFrame, keys: Keys, tokens: Tokens
) -> pl.DataFrame:
    raw = [name for name in records.columns if name not in (*RESERVED, ROW)]
    if FAULT in records.columns:
        unreadable = records.filter(pl.col(FAULT).is_not_null())
        failed = pl.concat([failed, unreadable.select(ROW, pl.lit("").alias("field"), pl.col(FAULT).alias("reason"))])
    failed = failed.sort(ROW)
    # Apart from what is said of them: a source may well have a field called `reason`.
    found = failed.select(ROW).join(records, on=ROW, how="left", maintain_order="left")
    form = pl.struct(raw).struct.json_encode() if raw else pl.lit("{}")
    texts = found.with_columns((pl.coalesce(RAW, form) if RAW in records.columns else form).alias("raw"))["raw"]
    positions = _positions(page, found)
    # Beside the raw form, what a replay needs to prepare the record as it would have been prepared here.
    line = found[LINE] if LINE in records.columns else found[ROW] + 1
    file, said, op = (
        found[name] if name in records.columns else pl.repeat(None, found.height, dtype=pl.String, eager=True)
        for name in (FILE, OBSERVED, OP)
    )
    theirs = pl.repeat(False, found.height, dtype=pl.Boolean, eager=True)
    if tokens:
        finder = _finder(stream, tokens, keys)
        theirs = pl.Series([finder.holds(text) for text in texts], dtype=pl.Boolean)
    # Whatever its stream: what could not be read as its contract says may hold anybody.
    texts = pl.Series("raw", seal(texts.to_list(), keys.sealing, stream.context, positions.to_list()), pl.String)
    if stream.is_sealed:
        positions, file = (
            pl.Series([mask(text, is_name=True) if text else text for text in names], dtype=pl.String)
            for names in (positions, file)
        )
    bad = failed.select(
        pl.col(ROW).alias("row"),
        positions.alias("position"),
        pl.col("field", "reason"),
        texts.alias("raw"),
        file.alias("file"),
        line.alias("line"),
        said.alias("observed_at"),
        op.alias("op"),
    )
    return _emptied(bad, theirs)


def _emptied(bad: pl.DataFrame, theirs: pl.Series) -> pl.DataFrame:
    """Quarantined rows without what is of people who asked to be forgotten: counted, and no more."""
    said = {"field": "", "reason": FORGOTTEN, "raw": ""}
    return bad.with_columns(
        pl.when(theirs).then(pl.lit(text)).otherwise(name).alias(name) for name, text in said.items()
    )
