from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest

from ingestion.contracts.oddities import bad_gtin

EPCIS = Path(__file__).resolve().parents[4] / "shared" / "data" / "messages" / "epcis"


def is_bad(*gtins: str | None) -> list[bool]:
    return pl.DataFrame({"gtin": gtins}, schema={"gtin": pl.String}).select(bad_gtin()).to_series().to_list()


def test_gtins_of_the_epcis_samples_pass_and_no_other_check_digit_does() -> None:
    """GS1's EPCIS 2.0 samples, as digital links `/01/<GTIN>`."""
    if not EPCIS.is_dir():
        pytest.skip("the EPCIS samples are not on this machine")
    texts = (
        path.read_text(encoding="utf-8") for path in EPCIS.rglob("*") if path.suffix in {".json", ".jsonld", ".xml"}
    )
    gtins = sorted({gtin for text in texts for gtin in re.findall(r"/01/(\d{14})", text)})
    assert len(gtins) >= 6
    assert not any(is_bad(*gtins))
    for gtin in gtins:
        others = [gtin[:-1] + digit for digit in "0123456789" if digit != gtin[-1]]
        assert all(is_bad(*others)), gtin


def test_all_four_lengths_are_checked_as_text() -> None:
    # 96385074 and 4006381333931 are GS1's and everybody's examples of GTIN-8 and GTIN-13.
    assert is_bad("96385074", "036000291452", "4006381333931", "04006381333931") == [False] * 4
    assert is_bad("96385075", "36000291452", "４００６３８１３３３９３１", "400638133393X", "", None) == [True] * 5 + [
        False
    ]
