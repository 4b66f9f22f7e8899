import pytest
from hypothesis import given
from hypothesis import strategies as st

from jqfollow.notify.texts import clean, cut, cut_lines, one_line, size

ANY_TEXT = st.text(st.characters(codec="utf-8"))


@given(ANY_TEXT, st.integers(0, 80))
def test_cut_keeps_to_the_limit_and_loses_only_the_end(text: str, limit: int) -> None:
    short = cut(text, limit)

    assert size(short) <= limit
    if size(text) <= limit:
        assert short == text
    else:
        assert text.startswith(short.removesuffix("…"))


@given(ANY_TEXT, st.integers(3, 80))
def test_cut_wastes_less_than_a_character(text: str, limit: int) -> None:
    short = cut(text, limit)

    if short != text:
        assert size(short) > limit - 4


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("中文字", 9, "中文字"),
        ("中文字", 8, "中…"),
        ("中文字", 5, "…"),
        ("中文字", 2, ""),
        ("ab😀", 5, "ab…"),
        ("", 0, ""),
    ],
)
def test_cut_in_front_of_a_character(text: str, limit: int, expected: str) -> None:
    assert cut(text, limit) == expected


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=30)), st.integers(30, 300))
def test_cut_lines_counts_what_it_leaves_out(lines: list[str], limit: int) -> None:
    short = cut_lines(lines, limit)

    assert size(short) <= limit
    if size("\n".join(lines)) <= limit:
        assert short == "\n".join(lines)
    elif "…还有" in short:
        *kept, last = short.split("\n")
        assert kept == lines[: len(kept)]
        assert last == f"…还有 {len(lines) - len(kept)} 条"
    else:  # not even the first line fitted
        assert lines[0].startswith(short.removesuffix("…")[: len(lines[0])])


def test_clean_leaves_nothing_that_cannot_be_stored() -> None:
    assert clean("  \x00a\ud800b\r\nc\x1b[0m\t \n") == "a�b\nc[0m"
    assert one_line("a\r\n b\n\tc\x00") == "a b c"


@given(st.text())
def test_clean_texts_can_be_encoded(text: str) -> None:
    clean(text).encode("utf-8")
