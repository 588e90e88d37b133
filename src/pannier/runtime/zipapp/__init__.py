"""What travels in a `.pyz`: the start of the file, and its first start, which unpacks."""
