"""Requirements and targets in, one lock out; and wheels out of what is no wheel."""
