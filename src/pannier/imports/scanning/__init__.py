"""One file to what it imports and uses."""
