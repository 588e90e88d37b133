"""Bytes or text to values and back, one file per standard, without input or output."""
