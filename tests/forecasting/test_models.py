"""Boostings that learn from parts of their lessons, side by side or one after the other."""

from __future__ import annotations

import numpy as np
import pytest

from forecasting import models
from forecasting.models import FAST, Lessons, fit_boostings


def lessons(rows: int = 3_000) -> Lessons:
    generator = np.random.default_rng(7)
    matrix = generator.random((rows, 4)).astype(np.float32)
    ratios = generator.poisson(1.0 + 2.0 * matrix[:, 0]).astype(np.float64)
    return Lessons(matrix, ratios, np.ones(rows), np.arange(rows) // 10, [])


def test_parts_hold_every_row_once() -> None:
    whole = lessons()
    parts = whole.parts(2)
    assert sorted(np.concatenate([part.ratios for part in parts])) == sorted(whole.ratios)
    assert [part.targets.max() for part in parts] == [299, 299]


def test_fits_side_by_side_say_what_fits_one_after_the_other_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "PARTED_FROM", 2_000)
    taught = [lessons().before(150), lessons()]
    beside, _ = fit_boostings(taught, FAST)
    monkeypatch.setattr(models, "LARGEST_BESIDE", 0.0)
    alone, _ = fit_boostings(taught, FAST)
    for one, other in zip(beside, alone, strict=True):
        assert one is not None
        assert other is not None
        assert len(one.parts) == models.PARTS
        np.testing.assert_array_equal(one.ratios(taught[1].matrix), other.ratios(taught[1].matrix))


def test_lessons_too_few_to_learn_from_have_no_boosting_and_the_others_do() -> None:
    (few, many), _ = fit_boostings([lessons(100), lessons()], FAST)
    assert few is None
    assert many is not None
