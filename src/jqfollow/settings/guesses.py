"""Passwords that anybody would try first. Pure."""

import itertools
import re
import unicodedata
from collections.abc import Iterator

_LEAST = 6
_LEAST_DIFFERENT = 4
_LEAST_DIGITS = 10
"""So few digits alone are found in days by whoever may try."""
_LEAST_LEFT = 3
"""Letters that must be left when words are taken away."""
_MOST_LEFT = 4
"""Beside rows of keys: a year, say."""
_LONG = 40
"""Words and rows alone are not that long."""
_LEAST_ROW = 3
_LEAST_ROW_WITH_DIGITS = 4
_KEYS = (
    "01234567890", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm", "1qaz2wsx3edc4rfv5tgb",
    "qazwsxedcrfvtgbyhnujmikolp", "1q2w3e4r5t6y7u8i9o0p", "1a2b3c4d5e6f7g8h9i",
)  # fmt: skip
_ROWS = tuple(row for keys in _KEYS for row in (keys * 2, keys[::-1] * 2))
_SHORT_WORDS = frozenset({"abc", "a", "aa", "aaa", "x", "qq", "wx", "qmt"})
"""Guessed when they stand alone among digits and signs; in the middle of a text they may be chance."""
_WORDS = frozenset({
    "admin", "baseball", "changeme", "default", "demo", "dragon", "football", "guest", "hello", "iloveyou", "joinquant",
    "jqfollow", "juejin", "jukuan", "letmein", "login", "master", "mima", "miniqmt", "monkey", "money", "pass", "passw",
    "passwd", "password", "princess", "quant", "root", "secret", "stock", "strategy", "sunshine", "superman", "test",
    "user", "welcome", "woaini", "xtquant", "密码", "策略", "聚宽", "量化", "跟单",
})  # fmt: skip
_LEET = str.maketrans("013457@$!", "oieastasi")


def is_guessed(secret: str, *known: str) -> bool:
    """Too short, of too few characters, few digits alone, one piece again and again, or only words and rows of keys.

    Args:
        secret: what is looked at.
        known: more words, such as the strategy's name.
    """
    plain = unicodedata.normalize("NFKC", secret).strip().casefold()
    if len(plain) < _LEAST or len(set(plain)) < _LEAST_DIFFERENT:
        return True
    letters = re.sub(r"[\W\d_]+", "", plain)
    if not letters and sum(letter.isdecimal() for letter in plain) < _LEAST_DIGITS:
        return True
    if _again_and_again(plain) or len(set(_steps(plain))) == 1:
        return True
    if len(plain) > _LONG:
        return False
    words = _WORDS | {word.casefold() for word in known if len(word) > _LEAST_ROW}
    once = re.sub(r"(.)\1+", r"\1", plain)
    if len(letters) >= _LEAST_DIFFERENT and not _without_rows(letters).strip():  # a1b2c3d4
        return True
    return any(_is_only_words(text, words) for text in {plain, plain.translate(_LEET), once})


def _again_and_again(text: str) -> bool:
    return any(text == (text[:long] * len(text))[: len(text)] for long in range(1, len(text) // 2 + 1))


def _steps(text: str) -> Iterator[int]:
    return (ord(after) - ord(before) for before, after in itertools.pairwise(text))


def _is_only_words(text: str, words: frozenset[str]) -> bool:
    """Whether, but for digits and signs, hardly anything is left when words and rows of keys are taken away."""
    without_words = text
    for word in sorted(words, key=len, reverse=True):
        without_words = without_words.replace(word, " ")
    left = re.sub(r"[\W_]+", "", _without_rows(without_words))
    letters = re.sub(r"\d+", "", left)
    return (
        letters in _SHORT_WORDS
        or (without_words != text and len(letters) < _LEAST_LEFT)
        or (left != text and len(left) <= _MOST_LEFT and len(letters) < _LEAST_LEFT)
    )


def _without_rows(text: str) -> str:
    """Without what goes along the keyboard, the alphabet or the digits."""
    left, place = "", 0
    while place < len(text):
        long = _row_at(text, place)
        left += " " if long else text[place]
        place += long or 1
    return left


def _row_at(text: str, place: int) -> int:
    """How many characters from there on are one row; 0: none that counts."""
    for long in range(len(text) - place, _LEAST_ROW - 1, -1):
        piece = text[place : place + long]
        if any(piece in row for row in _ROWS):
            return 0 if not piece.isalpha() and long < _LEAST_ROW_WITH_DIGITS else long
    return 0
