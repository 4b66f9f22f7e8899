"""Passwords that anybody would try first. Pure."""

import itertools
import re

_LEAST = 6
_LEAST_DIFFERENT = 4
_LEAST_DIGITS = 10
"""So few digits alone are found in days by whoever may try."""
_ROWS = ("01234567890", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm", "1qaz2wsx3edc4rfv5tgb")
_WORDS = frozenset({
    "abc", "admin", "demo", "guest", "hello", "iloveyou", "joinquant", "jqfollow", "letmein", "login", "master", "mima",
    "miniqmt", "monkey", "money", "pass", "passwd", "password", "passw", "qmt", "quant", "root", "secret", "stock",
    "strategy", "test", "user", "welcome", "woaini", "xtquant", "a", "aa", "aaa", "x", "qq", "wx",
})  # fmt: skip
_LEET = str.maketrans("013457@$!", "oieastasi")


def is_guessed(secret: str) -> bool:
    """Too short, of too few characters, digits alone, a row of keys, or a common word with digits or signs."""
    plain = secret.strip().casefold()
    if len(plain) < _LEAST or len(set(plain)) < _LEAST_DIFFERENT:
        return True
    if plain.isdecimal() and len(plain) < _LEAST_DIGITS:
        return True
    if any(plain in row * 2 or plain[::-1] in row * 2 for row in _ROWS):
        return True
    if len({ord(b) - ord(a) for a, b in itertools.pairwise(plain)}) == 1:
        return True
    words = {re.sub(r"[\W\d_]+", "", text) for text in (plain, plain.translate(_LEET))}
    return bool(words & _WORDS)
