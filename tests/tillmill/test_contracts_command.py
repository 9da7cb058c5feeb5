"""`tillmill contracts` says of each stream what its contract holds, in a table and as JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from io import StringIO

import pytest
from rich.console import Console
from typer.testing import CliRunner

from ingestion.contracts import ALL
from ingestion.contracts.contract import landed_schema
from ingestion.contracts.describe import describe
from tillmill.cli import app
from tillmill.display import contract_table


def run(*words: str) -> str:
    found = CliRunner().invoke(app, ["contracts", *words])
    assert found.exit_code == 0, found.output
    return found.output


def test_all_streams_are_listed_with_what_one_row_is() -> None:
    output = run()
    assert all(name in output for name in ALL)
    assert [each["stream"] for each in json.loads(run("--json"))] == list(ALL)


@pytest.mark.parametrize("name", ALL)
def test_a_description_is_plain_json_and_leaves_no_column_out(name: str) -> None:
    found = json.loads(json.dumps(describe(ALL[name])))
    assert found["about"]
    assert [column["landed_as"] for column in found["columns"]] == list(landed_schema(ALL[name]))
    console = Console(width=400, file=StringIO())
    with console.capture() as shown:
        console.print(contract_table(found))
    assert all(column["name"] in shown.get() for column in found["columns"])


def test_a_column_says_its_bounds_what_stands_in_for_it_and_whom_it_names() -> None:
    columns = {column["name"]: column for column in json.loads(run("crm.members", "--json"))["columns"]}
    phone = {"landed_as": "phone_token", "is_personal": True, "is_vaulted": True, "if_missing": "null"}
    assert phone.items() <= columns["phone"].items()
    assert columns["member_id"]["is_key"]
    assert columns["updated_at"]["if_missing"] == "when the source said it"
    costs = {column["name"]: column for column in json.loads(run("erp.costs", "--json"))["columns"]}
    assert (costs["rate"]["min"], costs["rate"]["max"]) == ("0.0", "1.0"), "a share is no percentage"
    assert (costs["currency"]["if_missing"], costs["shop_id"]["if_missing"]) == ("the brand's currency", "*")
    rates = {column["name"]: column for column in json.loads(run("erp.exchange_rates", "--json"))["columns"]}
    assert rates["currency"]["if_missing"] == "refused", "a rate of no currency is none of the brand's own"
    assert (rates["rate"]["min"], rates["rate"]["above_min"]) == ("0.0", True)
    assert "ISO 4217" in run("erp.costs")
    assert "shop_coupon" in run("ecommerce.discounts")


def test_an_unknown_stream_names_the_nearest() -> None:
    command = [sys.executable, "-m", "tillmill.cli", "contracts", "pos.sale_line"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode != 0
    assert "did you mean 'pos.sale_lines'?" in found.stderr
