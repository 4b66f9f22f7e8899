"""Corporate actions: what becomes of shares on an ex day, and how a broker's account shows it."""
