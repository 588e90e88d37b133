"""What the index knows of its files: they are the truth, a store remembers what was read from them."""
