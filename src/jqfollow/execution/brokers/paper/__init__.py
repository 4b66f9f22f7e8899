"""The practice broker: a small exchange with a file of its own."""
