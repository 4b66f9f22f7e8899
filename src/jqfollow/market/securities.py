"""Which security a code names, and whether it can be traded here (market-rules: Codes)."""

import re
from dataclasses import dataclass
from enum import StrEnum

from jqfollow.domain import Board, JqfollowError


class Market(StrEnum):
    """The exchanges, as QMT suffixes them."""

    SH = "SH"
    SZ = "SZ"
    BJ = "BJ"


class Kind(StrEnum):
    """What kind of security a code names."""

    STOCK = "stock"
    ETF = "etf"
    LOF = "lof"
    REIT = "reit"
    CONVERTIBLE = "convertible"


class UnknownSecurityError(JqfollowError):
    """The text names nothing that can be traded here.

    Attributes:
        text: as it came.
        why_zh: the reason for people, in Chinese.
        why_en: the same in English.
    """

    def __init__(self, text: str, why_zh: str, why_en: str) -> None:
        super().__init__(text, why_zh, why_en)
        self.text = text
        self.why_zh = why_zh
        self.why_en = why_en

    def __str__(self) -> str:
        return f"{_shown(self.text)}：{self.why_zh} / {self.why_en}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """A security that can be traded here."""

    code: str
    """Six digits."""
    market: Market
    kind: Kind
    board: Board

    @property
    def symbol(self) -> str:
        """The QMT symbol, by which everything inside is named: `000001.SZ`."""
        return f"{self.code}.{self.market}"

    @property
    def joinquant(self) -> str:
        """The code as JoinQuant writes it: `000001.XSHE`.

        JoinQuant suffixes with ISO 10383 market codes and does not trade the BSE; for it this gives the BSE's own ISO
        code, `920000.BJSE` (`XBSE`, which some programs use, is Bucharest in ISO 10383; it is understood on input).
        """
        return f"{self.code}.{_JOINQUANT[self.market]}"

    @property
    def is_fund(self) -> bool:
        """ETF, LOF or REIT."""
        return self.board is Board.FUND

    @property
    def is_bond(self) -> bool:
        """A convertible bond."""
        return self.board is Board.BOND


_JOINQUANT = {Market.SH: "XSHG", Market.SZ: "XSHE", Market.BJ: "BJSE"}
_SUFFIXES = {
    "SH": Market.SH, "SS": Market.SH, "XSHG": Market.SH,
    "SZ": Market.SZ, "XSHE": Market.SZ,
    "BJ": Market.BJ, "BJSE": Market.BJ, "XBSE": Market.BJ,
}  # fmt: skip
_MARKET_ZH = {Market.SH: "上交所", Market.SZ: "深交所", Market.BJ: "北交所"}
_MARKET_EN = {Market.SH: "Shanghai", Market.SZ: "Shenzhen", Market.BJ: "Beijing"}
_SHAPE = re.compile(r"([0-9]{6})\.([A-Z]{2,4})", re.ASCII | re.IGNORECASE)
_BARE = re.compile(r"[0-9]{6}", re.ASCII)
_SHOWN_CHARACTERS = 40

_Segment = tuple[Market, str]
"""An exchange and the first two or three digits of a code."""


def _segments(market: Market, prefixes: str, kind: Kind, board: Board) -> dict[_Segment, tuple[Kind, Board]]:
    return {(market, prefix): (kind, board) for prefix in prefixes.split()}


_TRADABLE: dict[_Segment, tuple[Kind, Board]] = {
    **_segments(Market.SH, "60", Kind.STOCK, Board.MAIN),
    **_segments(Market.SH, "688 689", Kind.STOCK, Board.STAR),
    **_segments(
        Market.SH,
        "510 511 512 513 515 516 517 518 520 530 551 560 561 562 563 588 589",
        Kind.ETF,
        Board.FUND,
    ),
    **_segments(Market.SH, "501 502 506", Kind.LOF, Board.FUND),
    **_segments(Market.SH, "508", Kind.REIT, Board.FUND),
    **_segments(Market.SH, "110 111 113 118", Kind.CONVERTIBLE, Board.BOND),
    **_segments(Market.SZ, "000 001 002 003 004", Kind.STOCK, Board.MAIN),
    **_segments(Market.SZ, "300 301 302", Kind.STOCK, Board.CHINEXT),
    **_segments(Market.SZ, "158 159", Kind.ETF, Board.FUND),
    **_segments(Market.SZ, "16", Kind.LOF, Board.FUND),
    **_segments(Market.SZ, "180", Kind.REIT, Board.FUND),
    **_segments(Market.SZ, "123 127 128", Kind.CONVERTIBLE, Board.BOND),
    **_segments(Market.BJ, "920", Kind.STOCK, Board.BSE),
}

_INDEX = ("是指数，不能交易", "it is an index, which cannot be traded")
_B_SHARE = ("是 B 股（外币计价），这里不交易", "it is a B share, priced in foreign currency, not traded here")
_REPO = ("是国债逆回购，这里不交易", "it is a treasury reverse repo, not traded here")
_OLD_BSE = (
    "是北交所旧代码（或新三板），2025-10-09 起北交所股票一律改用 920 开头的代码",
    "it is an old BSE code (or NEEQ): since 2025-10-09 every BSE stock has a code that begins with 920",
)
_NOT_TRADED: dict[_Segment, tuple[str, str]] = {
    (Market.SH, "000"): _INDEX,
    (Market.SH, "900"): _B_SHARE,
    (Market.SH, "204"): _REPO,
    (Market.SZ, "399"): _INDEX,
    (Market.SZ, "200"): _B_SHARE,
    (Market.SZ, "131"): _REPO,
    (Market.BJ, "899"): _INDEX,
    (Market.BJ, "43"): _OLD_BSE,
    (Market.BJ, "83"): _OLD_BSE,
    (Market.BJ, "87"): _OLD_BSE,
}


def parse_security(text: str) -> Security:
    """The security that `text` names.

    Six digits, a dot and a suffix (`XSHG SH SS`, `XSHE SZ`, `BJ BJSE XBSE`), in any case, blanks around it allowed.
    The suffix decides the market, never the number; six digits alone are refused, for `000001` is a stock in Shenzhen
    and an index in Shanghai.

    Raises:
        UnknownSecurityError: for every text that names nothing that can be traded here, whatever it holds.
    """
    stripped = text.strip()
    matched = _SHAPE.fullmatch(stripped)
    if matched is None:
        raise UnknownSecurityError(text, *_why_shapeless(stripped))
    code, suffix = matched[1], matched[2].upper()
    market = _SUFFIXES.get(suffix)
    if market is None:
        raise UnknownSecurityError(
            text,
            f"不认识的市场后缀 .{suffix}，可用 .XSHG .XSHE .SH .SZ .BJ",
            f"unknown market suffix .{suffix}; .XSHG .XSHE .SH .SZ .BJ are known",
        )
    for prefix in (code[:3], code[:2]):
        found = _TRADABLE.get((market, prefix))
        if found is not None:
            kind, board = found
            return Security(code=code, market=market, kind=kind, board=board)
    raise UnknownSecurityError(text, *_why_not_traded(code, market))


def _why_shapeless(stripped: str) -> tuple[str, str]:
    if _BARE.fullmatch(stripped):
        return (
            "缺少市场后缀，请写成 000001.XSHE 或 600000.XSHG 的样子",
            "the market suffix is missing: write it like 000001.XSHE or 600000.XSHG",
        )
    return (
        "不是证券代码，应为六位数字加后缀，如 000001.XSHE",
        "not a security code: six digits and a suffix, like 000001.XSHE",
    )


def _why_not_traded(code: str, market: Market) -> tuple[str, str]:
    others = [m for m in Market if m is not market and ((m, code[:3]) in _TRADABLE or (m, code[:2]) in _TRADABLE)]
    elsewhere_zh = "".join(f"；{_MARKET_ZH[m]}的证券应写 {code}.{_JOINQUANT[m]}" for m in others)
    elsewhere_en = "".join(f"; the one in {_MARKET_EN[m]} is written {code}.{_JOINQUANT[m]}" for m in others)
    for prefix in (code[:3], code[:2]):
        why = _NOT_TRADED.get((market, prefix))
        if why is not None:
            return why[0] + elsewhere_zh, why[1] + elsewhere_en
    return (
        f"{_MARKET_ZH[market]}没有 {code[:3]} 开头的可交易证券{elsewhere_zh}",
        f"codes that begin with {code[:3]} are not traded here in {_MARKET_EN[market]}{elsewhere_en}",
    )


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…")
