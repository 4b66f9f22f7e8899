"""How fast the service is, beside a floor that does only what cannot be left out. `python -m bench --help`."""
