"""The report: one page that needs nothing but itself, and prints well."""

from collections.abc import Sequence
from decimal import Decimal
from html import escape

from jqfollow.clock import SHANGHAI
from jqfollow.costs import plots
from jqfollow.costs.figures import Figures, OrderCost, figures
from jqfollow.costs.reading import Period
from jqfollow.costs.shortfall import Shortfall
from jqfollow.domain import Side
from jqfollow.reasons import Refusal

_STYLE = """
body { font: 14px/1.5 system-ui, "Microsoft YaHei", sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: #222; background: #fff; }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { padding: .25rem .5rem; border-bottom: 1px solid #ddd; text-align: right; vertical-align: top }
th:first-child, td:first-child, td.text { text-align: left }
svg { max-width: 100%; height: auto } figure { margin: 1rem 0; break-inside: avoid }
.small { color: #666; font-size: 12px }
@media print { body { margin: 0; max-width: none } tr, figure { break-inside: avoid } }
"""
_WORST = 10
_EXPLAINED = (
    "执行差（implementation shortfall，Perold 1988）：按策略价成交会怎样，减去实际怎样；正数是成本。"
    "延迟：策略价到信号到达时的价；交易：到达价到实际均价；机会：没成交的部分到收盘；费用：佣金与税。"
    "bps 按金额加权，旁边是中位数与九成位。"
    " + is cost; bps are weighted by value, with median and 90th percentile beside."
)
_NAMES = (
    "", "笔数 orders", "成交比例 filled", "执行差 元 yuan", "bps", "中位 median", "九成 p90", "延迟 delay",
    "交易 trading", "机会 opp.", "费用 fees", "秒 p50", "秒 p90", "报单 attempts", "撤单 cancels",
)  # fmt: skip
_NAMES_OF_WORST = (
    "订单 order", "时间 time", "策略 strategy", "证券 security", "", "想要 wished", "成交 filled", "策略价 decision",
    "到达价 arrival", "均价 paid", "元 yuan", "bps", "经过 story",
)  # fmt: skip


def page(period: Period, *, titles: dict[str, str]) -> str:
    """The whole page; `titles` by strategy."""
    orders = period.orders
    strategies = sorted({order.strategy for order in orders})
    days = sorted({order.day for order in orders})
    of_strategies = [
        (titles.get(name) or name, figures([order for order in orders if order.strategy == name]))
        for name in strategies
    ]
    of_days = [(str(day), figures([order for order in orders if order.day == day])) for day in days]
    body = [
        f"<h1>跟单报告 Following, {period.first} – {period.last}</h1>",
        f'<p class="small">{escape(_EXPLAINED)}</p>',
        "<h2>汇总 Summary</h2>",
        _summary([("全部 all", figures(orders)), *of_strategies]),
        "<h2>账户与策略 Account and strategy</h2>",
        _figure(plots.accounts(period), "账户总资产，元 · Account, yuan"),
        _figure(
            plots.results(period.results),
            "累计收益，元：实线实盘，虚线 比例 × 策略 · Real (solid) beside ratio × strategy",
        ),
        _figure(plots.drift(period.drift), "偏差，元：上为缺 missing，下为多 excess · Drift by day"),
        "<h2>执行差 Shortfall</h2>",
        _figure(plots.shortfalls(orders), "执行差，元：延迟 delay、交易 trading、机会 opportunity、费用 fees"),
        _figure(plots.fill_share(orders), "信号到后多少秒，成交了多少（%）· Filled share over seconds"),
        _figure(plots.by_hour(orders), "按信号到的时段，bps · By half hour"),
        "<h2>每日 By day</h2>",
        _summary(of_days),
        "<h2>最差的十笔 The worst ten</h2>",
        _worst(orders),
    ]
    return (
        '<!doctype html><html lang="zh"><head><meta charset="utf-8"><title>jqfollow</title>'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<style>{_STYLE}</style></head><body>{''.join(body)}</body></html>"
    )


def _summary(rows: Sequence[tuple[str, Figures]]) -> str:
    return _table(_NAMES, [_line(name, of) for name, of in rows])


def _line(name: str, of: Figures) -> tuple[str, ...]:
    parts = of.parts
    return (
        escape(name),
        f"{of.orders}（{of.unpriced} 缺价）" if of.unpriced else str(of.orders),
        "" if of.filled_share is None else f"{of.filled_share * 100:.1f}%",
        _yuan(parts.total),
        *(_figure_of(bps) for bps in (parts.bps, of.median_bps, of.p90_bps)),
        *(_yuan(part) for part in (parts.delay, parts.trading, parts.opportunity, parts.fees)),
        _figure_of(of.p50_s),
        _figure_of(of.p90_s),
        str(of.attempts),
        str(of.cancels),
    )


def _worst(orders: Sequence[OrderCost]) -> str:
    priced = [(order.cost, order) for order in orders if order.cost is not None and order.cost.total > 0]
    priced.sort(key=lambda pair: pair[0].total, reverse=True)
    rows = [_order(order, cost) for cost, order in priced[:_WORST]]
    return _table(_NAMES_OF_WORST, rows, text=(2, 3, 12))


def _order(order: OrderCost, cost: Shortfall) -> tuple[str, ...]:
    return (
        f"#{order.order_id}",
        f"{order.received_at.astimezone(SHANGHAI):%m-%d %H:%M:%S}",
        escape(order.strategy),
        escape(order.security),
        "买" if order.side is Side.BUY else "卖",
        f"{order.wished:,}",
        f"{order.filled:,}",
        *(_price(price) for price in (order.decision, order.arrival, order.paid)),
        _yuan(cost.total),
        _figure_of(cost.bps),
        escape(_story(order)),
    )


def _story(order: OrderCost) -> str:
    told = [f"报 {order.attempts} 次、撤 {order.cancels} 次"]
    if order.seconds is not None:
        told.append(f"{order.seconds:.1f} 秒成交 {order.filled}")
    if order.filled < order.wished and order.reason is not None:
        told.append(Refusal(reason=order.reason).text("zh"))
    return "，".join(told)


def _table(names: Sequence[str], rows: Sequence[Sequence[str]], *, text: Sequence[int] = ()) -> str:
    head = "".join(f"<th>{name}</th>" for name in names)
    lines = "".join(
        "<tr>" + "".join(f"<td{' class=text' if n in text else ''}>{cell}</td>" for n, cell in enumerate(row)) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"


def _figure(svg: str, caption: str) -> str:
    return f"<figure><figcaption>{caption}</figcaption>{svg}</figure>"


def _yuan(value: Decimal | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _price(value: Decimal | None) -> str:
    return "" if value is None else f"{value:.3f}".rstrip("0").rstrip(".")


def _figure_of(value: Decimal | float | None) -> str:
    return "" if value is None else f"{value:.1f}"
