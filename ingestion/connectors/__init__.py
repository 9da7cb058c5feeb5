"""Connectors speak one protocol each and yield pages of raw records; they know no business."""
