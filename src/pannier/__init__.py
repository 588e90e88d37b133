"""Pannier carries a Python program, with everything it needs, to a machine that has nothing."""

__version__ = "0.1.0"
