"""How a signal travels.

`envelope.Sealed` is a body, `jqf1.open_box` or `seed.open_seed` proves and opens it, `messages.parse_text` or
`messages.seed_message` says what it means (made of `parts`), `refusals` which orders must not be followed for what they
are, `answers` is what goes back. `joinquant_client.py` is the other end.
"""
