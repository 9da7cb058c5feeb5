from __future__ import annotations

import pytest

from ingestion.privacy.normalise import normalise


@pytest.mark.parametrize(
    ("kind", "value", "calling_code", "expected"),
    [
        ("phone", "+1 (212) 555-0123", "86", "12125550123"),
        ("phone", "(212) 555-0123", "1", "12125550123"),
        ("phone", "1-212-555-0123", "1", "12125550123"),
        ("phone", "001 212 555 0123", "86", "12125550123"),
        ("phone", "１５４００００１２３４", "86", "8615400001234"),
        ("phone", "+86 154 0000 1234", "1", "8615400001234"),
        ("phone", "86-15400001234", "86", "8615400001234"),
        ("phone", "020 7946 0018", "44", "442079460018"),
        ("phone", "+44 (0)20 7946 0018", "", "442079460018"),
        ("email", " Ana.Perez@Example.ORG ", "", "ana.perez@example.org"),
        ("name", "  José   PÉREZ ", "", "josé pérez"),
        ("name", "Ｗａｎｇ 伟", "", "wang 伟"),
        ("code", "M001234 ", "", "M001234"),
    ],
)
def test_spellings_of_one_person_become_one(kind: str, value: str, calling_code: str, expected: str) -> None:
    assert normalise(kind, value, calling_code) == expected


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("phone", "138****0000"),
        ("phone", "13800000000-123"),
        ("phone", "15400001234转88"),
        ("phone", "2125550123 ext. 4"),
        ("phone", "00000000000"),
        ("phone", "13800138000"),
        ("phone", "12345"),
        ("email", "nobody"),
        ("email", "a***@example.org"),
        ("name", "王**"),
        ("name", " "),
    ],
)
def test_masked_pooled_and_placeholder_values_identify_nobody(kind: str, value: str) -> None:
    assert normalise(kind, value, "86") is None


def test_letters_of_a_code_are_not_folded() -> None:
    assert normalise("code", "abC") != normalise("code", "ABC")
