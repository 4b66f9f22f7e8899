"""The report: one page that needs nothing but itself, and prints well."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from html import escape

from jqfollow.clock import SHANGHAI
from jqfollow.costs import plots
from jqfollow.costs.figures import Figures, OrderCost, figures
from jqfollow.costs.reading import DayResult, Period
from jqfollow.costs.shortfall import Shortfall
from jqfollow.domain import Side

_STYLE = """
body { font: 14px/1.5 system-ui, "Microsoft YaHei", sans-serif; max-width: 78rem; margin: 2rem auto; padding: 0 1rem;
  color: #222; background: #fff; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem } h2 { font-size: 1.15rem; margin: 2.2rem 0 .5rem }
h3 { font-size: 1rem; margin: 1.2rem 0 .25rem }
h1 small, h2 small { color: #777; font-weight: normal; font-size: .7em }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: .75rem; margin: 1rem 0 }
.cards div { border: 1px solid #ddd; border-radius: .5rem; padding: .6rem .9rem }
.cards b { display: block; font-size: 1.45rem; font-variant-numeric: tabular-nums } .cards span { color: #666 }
.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-size: 13px; font-variant-numeric: tabular-nums }
th, td { padding: .25rem .45rem; border-bottom: 1px solid #e2e2e2; text-align: right; vertical-align: top;
  white-space: nowrap }
th { font-weight: 600; vertical-align: bottom } th small { display: block; color: #777; font-weight: normal }
th:first-child, td:first-child, .text { text-align: left }
details { margin: 2rem 0 } summary { cursor: pointer; font-weight: 600 }
td.story { white-space: normal; min-width: 20rem }
tr.all td { font-weight: 600 }
figure { margin: 1rem 0; break-inside: avoid } figure svg { width: 100%; height: auto; max-height: 24rem }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(26rem, 1fr)); gap: 0 1.5rem }
.small, figcaption { color: #666; font-size: 12.5px }
.buy { color: #b91c1c } .sell { color: #047857 }
@media (max-width: 40rem) { .pair { grid-template-columns: 1fr } }
@media print { @page { size: A4 landscape; margin: 12mm }
  body { margin: 0; max-width: none; padding: 0; font-size: 11px }
  table { font-size: 9.5px } td.story { min-width: 14rem } tr, .cards div { break-inside: avoid }
  h2, h3 { break-after: avoid } thead { display: table-header-group } .scroll { overflow: visible } }
"""
_WORST = 10
_MOST_ORDERS = 5_000
_MOST_TRIES = 6
_EXPLAINED = (
    "执行差（implementation shortfall，Perold 1988）：全部按策略价成交会怎样，减去实际怎样；正数是成本，买卖都一样。"
    "延迟：策略价到信号到达时的价；交易：到达价到实际均价；机会：没成交的部分到收盘；费用：佣金与税。"
    "bps 按金额加权，旁边是各笔的中位数与九成位。缺价：不知道到达价或收盘价，不计入。"
    " + is cost on both sides; bps are weighted by value, with the orders' median and 90th percentile beside."
)
_NAMES = (
    ("", ""), ("笔数", "orders"), ("成交比例", "filled"), ("执行差 元", "shortfall"), ("bps", ""), ("中位", "median"),
    ("九成", "p90"), ("延迟", "delay"), ("交易", "trading"), ("机会", "opp."), ("费用", "fees"), ("秒 中位", "s p50"),
    ("秒 九成", "s p90"), ("报单/撤单", "tries/cancels"), ("实盘 元", "real"), ("比例×策略", "ratio×own"),
    ("差", "difference"),
)  # fmt: skip
_NAMES_OF_WORST = (
    ("委托", "order"), ("时间", "time"), ("策略", "strategy"), ("证券", "security"), ("", ""), ("想要", "wished"),
    ("成交", "filled"), ("策略价", "decision"), ("到达价", "arrival"), ("均价", "paid"), ("执行差 元", "shortfall"),
    ("bps", ""), ("经过", "story"),
)  # fmt: skip
_NAMES_OF_EVERY = (
    *_NAMES_OF_WORST[:10], ("收盘", "close"), ("执行差 元", "shortfall"), ("bps", ""), ("延迟", "delay"),
    ("交易", "trading"), ("机会", "opp."), ("费用", "fees"), ("秒", "s"),
)  # fmt: skip


def page(period: Period, *, titles: Mapping[str, str], names: Mapping[str, str] | None = None) -> str:
    """The whole page; `titles` by strategy, `names` of securities by symbol."""
    orders, results = period.orders, period.results
    strategies = sorted({order.strategy for order in orders} | {row.strategy for row in results})
    of_strategies = [
        _line(_title(name, titles), _of(orders, name), [row for row in results if row.strategy == name])
        for name in strategies
    ]
    body = [
        f"<h1>跟单报告 <small>Following</small> {period.first} – {period.last}</h1>",
        _cards(period),
        _table(_NAMES, [*of_strategies, _line("全部 all", orders, results)], last="all"),
        f'<p class="small">{escape(_EXPLAINED)}</p>',
        _head("账户与策略", "Account and strategy"),
        _figure(
            plots.results(results),
            "累计收益，元：实线是实盘，虚线是 比例 × 策略 · What the books brought (solid) beside ratio × strategy",
        ),
        '<div class="pair">',
        _figure(plots.accounts(period), f"账户总资产，比第一天 % · Accounts since the first day · {_totals(period)}"),
        _figure(plots.drift(period.drift), "偏差，元：上为缺 missing，下为多 excess · Drift by day"),
        "</div>",
        _head("执行差", "Shortfall"),
        _figure(plots.shortfalls(orders), "每日，元：延迟 delay、交易 trading、机会 opportunity、费用 fees"),
        '<div class="pair">',
        _figure(plots.fill_share(orders), "信号到后多少秒，成交了多少（%，按金额）· Filled share over seconds"),
        _figure(plots.by_hour(orders), "按信号到的时段，bps · By half hour"),
        "</div>",
        _head("最差的十笔", "The worst ten"),
        _worst(orders, names or {}),
        _head("每日", "By strategy and day"),
        *(_days(name, titles, orders, results) for name in strategies),
        _every(orders, names or {}),
    ]
    return (
        '<!doctype html><html lang="zh"><head><meta charset="utf-8"><title>跟单报告 · jqfollow</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<style>{_STYLE}</style></head><body>{''.join(body)}</body></html>"
    )


def _head(zh: str, en: str) -> str:
    return f"<h2>{zh} <small>{en}</small></h2>"


def _title(name: str, titles: Mapping[str, str]) -> str:
    title = titles.get(name)
    return escape(f"{title}（{name}）" if title and title != name else name)


def _of(orders: Iterable[OrderCost], strategy: str) -> list[OrderCost]:
    return [order for order in orders if order.strategy == strategy]


# -- figures -----------------------------------------------------------------------------------------------------------


def _cards(period: Period) -> str:
    """What matters, first."""
    of = figures(period.orders)
    real, own, difference = _brought(period.results)
    newest = max((row.day for row in period.drift), default=None)
    drift = [row for row in period.drift if row.day == newest]
    missing, excess = sum((row.missing for row in drift), Decimal(0)), sum((row.excess for row in drift), Decimal(0))
    share = "–" if of.filled_share is None else f"{of.filled_share * 100:.1f}%"
    cards = (
        (share, f"成交比例，按金额 · filled of {of.orders:,} orders"),
        ("–" if of.parts.bps is None else f"{of.parts.bps:.1f} bps",
         f"执行差 {_yuan(of.parts.total)} 元，正为成本 · shortfall"),
        (f"{_yuan(real)} 元" if period.results else "–",
         f"实盘收益；比例 × 策略 {_yuan(own) or '–'}，差 {_yuan(difference) or '–'} · real beside ratio × own"),
        (f"{_yuan(missing + excess)} 元" if newest else "–",
         f"偏差，{newest or '–'}：缺 {_yuan(missing)}、多 {_yuan(excess)} · drift"),
    )  # fmt: skip
    return '<div class="cards">' + "".join(f"<div><b>{b}</b><span>{s}</span></div>" for b, s in cards) + "</div>"


def _brought(results: Sequence[DayResult]) -> tuple[Decimal, Decimal | None, Decimal | None]:
    """What the books brought, ratio x what the strategies did, and the difference of the days told of both."""
    nothing = Decimal(0)
    told = [(row.real, row.own) for row in results if row.own is not None]
    own = sum((own for _, own in told), nothing) if told else None
    difference = sum((real - own for real, own in told), nothing) if told else None
    return sum((row.real for row in results), nothing), own, difference


def _totals(period: Period) -> str:
    """First and last total of each account."""
    told = []
    for name in dict.fromkeys(name for _, name, _ in period.accounts):
        totals = [total for _, account, total in period.accounts if account == name]
        told.append(f"{escape(name)} {_yuan(totals[0])} → {_yuan(totals[-1])} 元")
    return "，".join(told)


def _line(name: str, orders: Sequence[OrderCost], results: Sequence[DayResult]) -> tuple[str, ...]:
    of = figures(orders)
    return (name, *_costs(of), *(_yuan(value) for value in (_brought(results) if results else (None, None, None))))


def _costs(of: Figures) -> tuple[str, ...]:
    parts = of.parts
    return (
        f"{of.orders:,}（{of.unpriced:,} 缺价）" if of.unpriced else f"{of.orders:,}",
        "" if of.filled_share is None else f"{of.filled_share * 100:.1f}%",
        _yuan(parts.total) if of.orders > of.unpriced else "",
        *(_figure_of(bps) for bps in (parts.bps, of.median_bps, of.p90_bps)),
        *(_yuan(part) if part else "" for part in (parts.delay, parts.trading, parts.opportunity, parts.fees)),
        _figure_of(of.p50_s),
        _figure_of(of.p90_s),
        f"{of.attempts:,}/{of.cancels:,}" if of.orders else "",
    )


def _days(strategy: str, titles: Mapping[str, str], orders: Sequence[OrderCost], results: Sequence[DayResult]) -> str:
    own, brought = _of(orders, strategy), [row for row in results if row.strategy == strategy]
    days = sorted({order.day for order in own} | {row.day for row in brought})
    rows = [
        _line(str(day), [order for order in own if order.day == day], [row for row in brought if row.day == day])
        for day in days
    ]
    return f"<h3>{_title(strategy, titles)}</h3>{_table(_NAMES, rows)}"


# -- the worst ---------------------------------------------------------------------------------------------------------


def _worst(orders: Sequence[OrderCost], names: Mapping[str, str]) -> str:
    priced = [(order.cost, order) for order in orders if order.cost is not None and order.cost.total > 0]
    priced.sort(key=lambda pair: pair[0].total, reverse=True)
    if not priced:
        return '<p class="small">没有 · none</p>'
    rows = [_order(order, cost, names) for cost, order in priced[:_WORST]]
    return _table(_NAMES_OF_WORST, rows, text=(1, 2, 3, 4), story=12)


def _order(order: OrderCost, cost: Shortfall, names: Mapping[str, str]) -> tuple[str, ...]:
    return (
        *_which(order, names),
        *(_price(price) for price in (order.decision, order.arrival, order.paid)),
        _yuan(cost.total),
        _figure_of(cost.bps),
        "<br>".join(map(escape, _story(order, cost))),
    )


def _which(order: OrderCost, names: Mapping[str, str]) -> tuple[str, ...]:
    name = names.get(order.security, "")
    return (
        f"#{order.order_id}",
        f"{order.received_at.astimezone(SHANGHAI):%m-%d %H:%M:%S}",
        escape(order.strategy),
        escape(f"{order.security} {name}".strip()),
        "<span class=buy>买</span>" if order.side is Side.BUY else "<span class=sell>卖</span>",
        f"{order.wished:,}",
        f"{order.filled:,}",
    )


def _story(order: OrderCost, cost: Shortfall) -> list[str]:
    """Attempt by attempt, then why it ended so, then what cost most."""
    told = []
    for each in order.tries[:_MOST_TRIES]:
        ended = f"成交 {each.filled:,}" if each.filled else "没有成交"
        words = f"，{each.message}" if each.message and each.filled < each.volume else ""
        ended += "，撤单" if each.canceled and each.filled < each.volume else ""
        told.append(
            f"{each.at.astimezone(SHANGHAI):%H:%M:%S} 报 {each.volume:,} @ {_price(each.price)}：{ended}{words}"
        )
    if len(order.tries) > _MOST_TRIES:
        told.append(f"…… 共报 {len(order.tries)} 次")
    if order.filled < order.wished and order.why is not None:
        told.append(f"没成交 {order.wished - order.filled:,}：{order.why.text('zh')}")
    parts = {"延迟": cost.delay, "交易": cost.trading, "机会": cost.opportunity, "费用": cost.fees}
    most = max(parts, key=lambda name: parts[name])
    return [*told, f"主要是{most}：{_yuan(parts[most])} 元"]


# -- every order -------------------------------------------------------------------------------------------------------


def _every(orders: Sequence[OrderCost], names: Mapping[str, str]) -> str:
    """Folded: prices and the four parts of each order, the newest first."""
    shown = sorted(orders, key=lambda order: order.order_id, reverse=True)[:_MOST_ORDERS]
    more = f"，只列最近 {_MOST_ORDERS:,} 笔 · the newest" if len(orders) > _MOST_ORDERS else ""
    rows = [_priced(order, names) for order in shown]
    table = _table(_NAMES_OF_EVERY, rows, text=(1, 2, 3, 4))
    return f"<details><summary>每一笔 · Every order（{len(orders):,}{more}）</summary>{table}</details>"


def _priced(order: OrderCost, names: Mapping[str, str]) -> tuple[str, ...]:
    cost = order.cost
    parts = (None,) * 4 if cost is None else (cost.delay, cost.trading, cost.opportunity, cost.fees)
    return (
        *_which(order, names),
        *(_price(price) for price in (order.decision, order.arrival, order.paid, order.close)),
        _yuan(cost.total) if cost else "缺价",
        _figure_of(cost.bps) if cost else "",
        *map(_yuan, parts),
        _figure_of(order.seconds),
    )


# -- pieces ------------------------------------------------------------------------------------------------------------


def _table(
    names: Sequence[tuple[str, str]],
    rows: Sequence[Sequence[str]],
    *,
    text: Sequence[int] = (),
    story: int | None = None,
    last: str = "",
) -> str:
    """`text`: columns of words, `story`: one that may break, `last`: class of the last row."""

    def kind(column: int) -> str:
        return " class='text story'" if column == story else " class=text" if column in text else ""

    head = "".join(f"<th{kind(n)}>{zh}<small>{en}</small></th>" for n, (zh, en) in enumerate(names))
    lines = "".join(
        f"<tr{f' class={last}' if last and number == len(rows) else ''}>"
        + "".join(f"<td{kind(n)}>{cell}</td>" for n, cell in enumerate(row))
        + "</tr>"
        for number, row in enumerate(rows, 1)
    )
    return f"<div class=scroll><table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>"


def _figure(svg: str, caption: str) -> str:
    return f"<figure><figcaption>{caption}</figcaption>{svg}</figure>"


def _yuan(value: Decimal | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _price(value: Decimal | None) -> str:
    if value is None:
        return ""
    yuan, _, part = f"{value:.3f}".partition(".")
    return f"{yuan}.{part.rstrip('0').ljust(2, '0')}"


def _figure_of(value: Decimal | float | None) -> str:
    return "" if value is None else f"{value:,.1f}"
