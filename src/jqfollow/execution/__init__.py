"""Orders from intent to end."""
