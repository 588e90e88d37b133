"""Interpreters of this machine: find and probe them, read what is installed, copy them so that they move."""
