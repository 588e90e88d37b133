"""Another index, kept: its pages and files fetched when first asked for, checked, there when it is down."""
