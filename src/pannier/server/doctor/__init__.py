"""Looks an index over as its clients see it, for whoever operates it."""
