"""The full QMT terminal, by a strategy pasted into it and a folder between the two."""
