"""The vendor's bytes, read in Windows' code page, name the folder that was meant, or nothing is called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jqfollow.domain import BrokerDownError
from jqfollow.execution.brokers.miniqmt.native_path import native_path

CHINESE = "D:\\国金QMT交易端\\userdata_mini"
SHORT = "D:\\QMT~1\\USERDA~1"
PAGES = ("cp936", "cp65001", "cp1252", "cp437", "cp950", "gb18030")


def no_short(_: str) -> str:
    return ""


@pytest.mark.parametrize("page", ["cp936", "gb18030", ""])
def test_a_chinese_windows_reads_it(page: str) -> None:
    assert native_path(CHINESE, page=page, short=no_short) == CHINESE


@pytest.mark.parametrize("page", ["cp65001", "cp1252", "cp437", "cp950", "cp99999"])
def test_another_gets_the_short_one_or_a_remedy(page: str) -> None:
    assert native_path(CHINESE, page=page, short=lambda _: SHORT) == SHORT
    with pytest.raises(BrokerDownError, match=page) as refused:
        native_path(CHINESE, page=page, short=no_short)
    assert "Unicode UTF-8" in str(refused.value)
    with pytest.raises(BrokerDownError):
        native_path(CHINESE, page=page, short=lambda path: path)  # a drive without 8.3 names gives the long one


@pytest.mark.parametrize("page", PAGES)
def test_ascii_is_read_everywhere(page: str) -> None:
    assert native_path("D:\\QMT\\userdata_mini", page=page, short=no_short) == "D:\\QMT\\userdata_mini"


@given(path=st.text(min_size=1), page=st.sampled_from(PAGES))
def test_what_is_let_through_is_what_the_natives_read(path: str, page: str) -> None:
    try:
        given_path = native_path(path, page=page, short=no_short)
    except BrokerDownError:
        return
    assert given_path == path
    assert path.isascii() or path.encode("gb18030").decode(page) == path


def test_a_character_that_the_chinese_page_lacks() -> None:
    with pytest.raises(BrokerDownError):
        native_path("D:\\𠮷\\userdata_mini", page="cp936", short=no_short)
