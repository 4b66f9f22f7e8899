"""The console's routes, by what they are for."""
