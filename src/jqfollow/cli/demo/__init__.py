"""A JoinQuant trading day, played through the real port."""
