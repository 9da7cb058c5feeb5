"""The plan as files that a production scheduler accepts."""
