"""Every fault that ingestion must bear has a test here that names it; the numbers are those of this list.

1 passing trouble, 2 silence, 3 too many requests, 4 expired tokens, 5 errors in a 200, 6 broken answers, 7 odd pages,
8 times at the cursor, 9 encodings, 10 ragged rows, 11 workbooks, 12 bombs, 13 absurd times, 14 odd values, 15 silent
devices, 16 counters, 17 uncertain values, 18 frames and messages, 19 how files come, 20 database drivers, 21 SOAP
answers, 22 a kill, 23 a full disk, 24 two runs, 25 drift, 26 late rows and deletes, 27 Unicode, 28 check digits,
29 memory, 33 secrets, 34 sliding pages and statements issued again, 35 codes that are nobody's, 36 old files again,
37 forgetting. (30 to 32 are of plans and of the portal, and tested there.)
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

NAMED = re.compile(r"test_(?:faults?_)?((?:\d+_)+)")
TOLD = re.compile(r"[Ff]aults? (\d+(?:(?:, | and )\d+)*)")


def numbers() -> dict[int, list[str]]:
    """The tests of this folder by the numbers in their names or the first words of their docstrings."""
    found: dict[int, list[str]] = {}
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
                continue
            named, told = NAMED.match(node.name), TOLD.match(ast.get_docstring(node) or "")
            words = (named[1] if named else "") + " " + (told[1] if told else "")
            for number in re.findall(r"\d+", words):
                found.setdefault(int(number), []).append(f"{path.name}::{node.name}")
    return found


@pytest.mark.parametrize("number", [*range(1, 30), *range(33, 38)])
def test_a_fault_has_a_test_that_names_it(number: int) -> None:
    assert numbers().get(number), f"no test of tests/faults names fault {number}"
