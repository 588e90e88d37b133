"""Releasing a project: what it is, whether it is ready, building, checking, uploading, verifying, tagging."""
