"""A tape: the quotes around each order, kept on the user's own machine."""
