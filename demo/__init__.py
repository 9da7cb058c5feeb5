"""A brand to try Tillmill on: a world made from one seed around real receipts, and the systems that speak of it."""
