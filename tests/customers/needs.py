"""Marks of tests that need a public data set."""

from __future__ import annotations

import pytest

from benchmarks.cdnow import MEMBERS

cdnow = pytest.mark.skipif(not MEMBERS.exists(), reason="the public data sets of ../shared/data are not here")
