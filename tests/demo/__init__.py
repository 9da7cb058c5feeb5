"""Tests of the demo: its world is true, its systems withhold what is later, its commands do what they say."""
