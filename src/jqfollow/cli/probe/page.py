"""The page that a person may send to others: what was measured, and nothing of whose account it is."""

import platform
import re
from collections.abc import Sequence
from datetime import datetime
from importlib import metadata

from jqfollow import __version__
from jqfollow.cli.probe.lags import Lag
from jqfollow.cli.probe.measures import Found, Resting

_DIGITS = re.compile(r"\d{4,}")
_PATHS = re.compile(r"[A-Za-z]:\\[^\s'\"，。]*|(?<![\w.])/[\w./-]{3,}")
_NEVER = "没有等到 / not seen"
_FIGURES = {"money": "资金 money", "shares": "可卖股份 shares"}


def page(found: Found, *, kind: str, now: datetime, secrets: Sequence[str]) -> str:
    """Markdown. `kind` is the terminal's, `secrets` what must not stand in it: account numbers, names, folders."""
    lines = [
        "# jqfollow probe",
        "",
        " · ".join(
            [
                f"{now:%Y-%m-%d %H:%M}",
                f"jqfollow {__version__}",
                kind,
                f"xtquant {_version('xtquant')}",
                f"Python {platform.python_version()}",
                f"{platform.system()} {platform.release()}",
            ]
        ),
        "",
        "毫秒，从调用前一刻算起，每 0.1 秒看一次。",
        "Milliseconds from the moment before the call, looked at every 0.1 s.",
    ]
    if found.buy is not None:
        lines += _resting("买一手，跌停价 / a lot bought at the lower limit", found.buy)
    if found.sell is not None:
        lines += _resting("卖一手，涨停价 / a lot offered at the upper limit", found.sell)
    if found.refusal:
        lines += ["", "## 被拒的委托 / A refusal", "", "| | |", "|---|---|"]
        lines += [f"| {what} | {_cell(words) or '-'} |" for what, words in found.refusal]
    lines += ["", "## 其他 / The rest", "", "| | |", "|---|---|"]
    lines += [f"| {what} | {_cell(words)} |" for what, words in _rest(found)]
    return _without("\n".join([*lines, ""]), secrets)


def _resting(title: str, order: Resting) -> list[str]:
    lines = ["", f"## {title}", "", "| | 下单后 placed | 撤单后 cancelled |", "|---|---|---|"]
    ends = {lag.what: lag for lag in order.canceled}
    lines += [
        f"| {_FIGURES.get(lag.what, lag.what)} | {_ms(lag)} | {_ms(ends.get(lag.what, lag))} |" for lag in order.placed
    ]
    lines += ["", f"备注 / remark: {remark_kind(order.remark, order.remark_told)}"]
    lines += ["", f"状态码 / state codes: {' → '.join(map(str, order.codes)) or '-'}"]
    if not order.ended:
        lines += ["", "**没有看到撤单成功，请在交易终端核对 / its end was not seen: look into the terminal**"]
    return lines


def _rest(found: Found) -> list[tuple[str, str]]:
    ids = {"same": "不变 / the same", "changed": "变了 / changed", "gone": "委托不再列出 / not listed any more"}
    fees = {True: "有 / yes", False: "没有 / no", None: "今天没有成交 / no fill today"}
    return [
        ("终端重启后的委托编号 / ids after a restart", ids.get(found.ids_after_restart, "没有试 / not tried")),
        ("成交带手续费 / fills carry their fee", fees[found.fees_told]),
        ("账号状态码 / account's state codes", ", ".join(map(str, found.account_codes)) or "-"),
        *(("没有测 / not measured", why) for why in found.not_measured),
    ]


def remark_kind(sent: str, told: str) -> str:
    """What became of a remark, without its text."""
    told = told.strip()
    if told == sent:
        return f"原样返回 {len(sent)} 个字符 / unchanged"
    if not told:
        return "丢失 / dropped"
    if sent.startswith(told):
        return f"截断到 {len(told)} 个字符 / cut to {len(told)} characters"
    return "被改写 / rewritten"


def _ms(lag: Lag) -> str:
    return _NEVER if lag.ms is None else f"{lag.ms:,}"


def _cell(words: str) -> str:
    return " ".join(words.split()).replace("|", "/")


def _without(text: str, secrets: Sequence[str]) -> str:
    """Long numbers, folders and what is named go out; the first line's date and versions are short."""
    head, _, body = text.partition("\n\n毫秒")
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        head, body = head.replace(secret, "…"), body.replace(secret, "…")
    # Our own figures have commas, and so are no long numbers.
    return head + "\n\n毫秒" + _DIGITS.sub("…", _PATHS.sub("…", body))


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "-"
