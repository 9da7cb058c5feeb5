"""Formats turn a file's bytes into frames of text records, each with its place in the file; they know no place."""
