"""The whole product, as a person runs it."""
