"""What answers requests: one module per part of the index, each with its `ROUTES`."""
