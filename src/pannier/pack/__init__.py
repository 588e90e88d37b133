"""One reproducible file from a lock and the store: layers, byte code, and the pack they make."""
