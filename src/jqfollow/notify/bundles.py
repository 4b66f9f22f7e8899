"""Many rows in few messages; pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jqfollow.clock import SHANGHAI
from jqfollow.ledger.rows import OutboxRow
from jqfollow.notify.kinds import Kind, is_urgent
from jqfollow.notify.texts import MAX_BYTES, cut, size

LATE = timedelta(minutes=2)
"""A message older than this says when it was written."""
OLD = timedelta(minutes=10)
BACKLOG = 20
"""More ordinary rows than this older than `OLD` are shown by their first lines only."""
_SEPARATOR = "\n\n"
_REMAINDERS = "🔸 余数结转 {} 笔（不足一手，并入以后的信号）"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """One message, and the rows that it tells of."""

    rows: tuple[OutboxRow, ...]
    text: str
    urgent: bool
    """Whether one of its rows is."""

    @property
    def ids(self) -> list[int]:
        """Its rows' ids."""
        return [row.outbox_id for row in self.rows]


def pack(
    rows: Sequence[OutboxRow], *, now: datetime, alone: Collection[int] = (), limit: int = MAX_BYTES
) -> list[Bundle]:
    """`rows` in as few messages of at most `limit` bytes as their order allows.

    Urgent rows come first, each class in its own order; every row is in exactly one message. Rows whose id is in
    `alone` get a message of their own. A row that is longer than a message is cut. A long backlog of ordinary rows is
    shown by first lines.
    """
    ordered = sorted(rows, key=lambda row: (not is_urgent(row.kind), row.kind == Kind.REMAINDER, row.outbox_id))
    old = {row.outbox_id for row in rows if not is_urgent(row.kind) and now - row.created_at >= OLD}
    short = old if len(old) > BACKLOG else set[int]()
    room = limit - size(_header(len(rows), brief=bool(short)))
    if any(row.kind == Kind.REMAINDER for row in rows):
        room -= size(_SEPARATOR + _REMAINDERS.format(len(rows)))
    bundles: list[Bundle] = []
    group: list[OutboxRow] = []
    used = 0
    for row in ordered:
        part = size(_part(row, now, brief=row.outbox_id in short)) + size(_SEPARATOR)
        if group and (used + part > room or row.outbox_id in alone or group[-1].outbox_id in alone):
            bundles.append(_bundle(group, now, short, limit))
            group, used = [], 0
        group.append(row)
        used += part
    if group:
        bundles.append(_bundle(group, now, short, limit))
    return bundles


def _bundle(group: list[OutboxRow], now: datetime, short: Collection[int], limit: int) -> Bundle:
    row = group[0]
    remainders = [row for row in group if row.kind == Kind.REMAINDER]
    if remainders == group:
        text = "\n".join([_REMAINDERS.format(len(group)), *(row.text for row in group)])
    elif len(group) > 1 or row.outbox_id in short:
        text = _header(len(group), brief=any(row.outbox_id in short for row in group))
        for row in group:
            if row.kind == Kind.REMAINDER:
                text += (
                    _SEPARATOR + _REMAINDERS.format(len(remainders)) if row is remainders[0] else ""
                ) + f"\n{row.text}"
                continue
            brief = row.outbox_id in short
            text += ("\n" if brief else _SEPARATOR) + _part(row, now, brief=brief)
    else:
        text = row.text if now - row.created_at < LATE else _part(row, now, brief=False)
    urgent = any(is_urgent(row.kind) for row in group)
    return Bundle(rows=tuple(group), text=cut(text, limit, "…（全文见控制台）"), urgent=urgent)


def _header(count: int, *, brief: bool) -> str:
    return f"积压的 {count} 条通知（较早的只列首行，全文见控制台）" if brief else f"{count} 条通知"


def _part(row: OutboxRow, now: datetime, *, brief: bool) -> str:
    """A row with its time; the day too when it is not today."""
    at = row.created_at.astimezone(SHANGHAI)
    same_day = at.date() == now.astimezone(SHANGHAI).date()
    stamp = f"{at:%H:%M:%S}" if same_day else f"{at:%m-%d %H:%M:%S}"
    text = row.text.split("\n", 1)[0] if brief else row.text
    return f"[{stamp}] {text}"
