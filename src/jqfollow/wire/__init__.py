"""How a signal travels."""
