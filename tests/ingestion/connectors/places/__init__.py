"""Tests of this room, mirroring the tree."""
