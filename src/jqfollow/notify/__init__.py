"""Tell people, later, off the way of an order."""
