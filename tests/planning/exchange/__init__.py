"""Tests of the plan's hand-over."""
