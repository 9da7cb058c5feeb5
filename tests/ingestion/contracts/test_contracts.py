from __future__ import annotations

import re

import polars as pl
import pytest

from ingestion.contracts import ALL, contract
from ingestion.contracts.contract import Contract, landed_key, landed_schema
from tillmill.errors import SettingsError

EVERY = pytest.mark.parametrize("each", ALL.values(), ids=list(ALL))


@EVERY
def test_column_names_carry_their_type_as_the_model_says(each: Contract) -> None:
    wanted = {
        r"_id$|_token$|^sku$|^gtin$|_kind$": pl.String,
        r"_at$": pl.Datetime("us", "UTC"),
        r"_on$": pl.Date,
        r"_amount$": pl.Decimal(18, 4),
        r"_units$|^units$": pl.Decimal(18, 3),
        r"_rate$": pl.Float64,
        r"^is_|^has_": pl.Boolean,
        r"_days$": pl.Int64,
    }
    for name, dtype in landed_schema(each).items():
        for pattern, expected in wanted.items():
            if re.search(pattern, name) and name != "unconstrained_units":
                assert dtype == expected, (each.name, name)


@EVERY
def test_key_and_version_are_never_null(each: Contract) -> None:
    columns = each.schema.columns()
    assert not any(columns[name].nullable for name in (*each.key, each.version))
    assert each.version in {"updated_at", "observed_at"}


@EVERY
def test_an_amount_never_stands_without_its_currency(each: Contract) -> None:
    amounts = [name for name, dtype in landed_schema(each).items() if dtype == pl.Decimal(18, 4)]
    assert not amounts or "currency" in each.columns


@EVERY
def test_personal_fields_land_as_tokens_alone(each: Contract) -> None:
    landed = landed_schema(each)
    for name in each.personal:
        assert name not in landed
        assert landed[f"{name}_token"] == pl.String
    assert set(landed_key(each)) <= set(landed)
    assert "member_id" not in landed, "member_id is personal wherever it stands"


@EVERY
def test_defaults_of_key_columns_say_none_or_all(each: Contract) -> None:
    for name in each.key:
        if name in each.defaults:
            assert each.defaults[name] in ({0} if name == "line_no" else {"-", "*", "good"})


@EVERY
def test_flags_read_columns_that_are_there_and_say_yes_or_no(each: Contract) -> None:
    schema = {name: column.dtype for name, column in each.schema.columns().items()}
    # A tombstone states its key alone: nothing that is not stated may be odd.
    nothing = pl.DataFrame({name: [None] for name in schema}, schema=schema)
    for name, odd in each.flags.items():
        found = nothing.select(odd.fill_null(False)).to_series()
        assert (found.dtype, found.item()) == (pl.Boolean, False), name


def test_an_unknown_stream_names_the_nearest_there_is() -> None:
    with pytest.raises(SettingsError, match=r"'pos\.sale_line'.*did you mean 'pos\.sale_lines'"):
        contract("pos.sale_line")


def test_a_contract_cannot_name_a_column_it_lacks() -> None:
    stores = contract("pos.stores")
    with pytest.raises(ValueError, match="no column"):
        Contract("x.y", stores.schema, key=("nothing",), version="updated_at")
    with pytest.raises(ValueError, match="no column"):
        Contract("x.y", stores.schema, key=("store_id",), version="updated_at", free_text=("nothing",))


def test_only_personal_columns_can_be_vaulted() -> None:
    stores = contract("pos.stores")
    with pytest.raises(ValueError, match=r"\['name'\] land in clear"):
        Contract("x.y", stores.schema, key=("store_id",), version="updated_at", vaulted=("name",))
