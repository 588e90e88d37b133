"""Fetched and built files, kept by content hash: the only client of indexes and the only cache."""
