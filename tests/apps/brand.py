"""The brand of the portal's tests: sixteen weeks and a running one of three products, two with hostile names."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

CLOCK = "2017-12-06T15:00:00+00:00"
FIRST = date(2017, 8, 14)
WEEKS = 17  # sixteen complete ones and the running one, of which Monday to Wednesday are sold
LAST_WEEK = FIRST + timedelta(weeks=WEEKS - 1)
FORMULA = '=HYPERLINK("http://evil","x")'
MARKUP = "<img src=x onerror=alert(1)> ![x](http://evil) **b** $y$ :material/bomb:"
HOSTILE_CATEGORY = "[Cheese](http://evil) **x**"
PRODUCTS = (("01", "Milk 1 l", "Milk"), ("02", FORMULA, "Milk"), ("03", MARKUP, HOSTILE_CATEGORY))
SETTINGS = """
[brand]
name = "Test"
currency = "USD"
timezone = "America/New_York"
[clock]
pinned = "run/clock"
"""
Table = list[dict[str, Any]]
