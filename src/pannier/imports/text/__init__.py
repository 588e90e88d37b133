"""Source text: decoded, cut into code and strings, and what its syntax says of Python."""
