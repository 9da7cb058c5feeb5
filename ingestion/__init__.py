"""The way in: pull, check, protect, land."""
