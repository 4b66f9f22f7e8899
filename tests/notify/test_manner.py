"""Which kinds are sent, and how soon."""

from datetime import datetime, timedelta
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from jqfollow.clock import SHANGHAI
from jqfollow.ledger.rows import OutboxRow
from jqfollow.notify.bundles import pack
from jqfollow.notify.kinds import URGENT, Kind
from jqfollow.notify.manner import Manner
from jqfollow.notify.texts import MAX_BYTES, size
from jqfollow.settings.sections import QuietKind

NOW = datetime(2026, 3, 3, 10, 0, tzinfo=SHANGHAI)
ROWS = st.lists(st.tuples(st.sampled_from(Kind), st.floats(0, 1000)), max_size=30)


def row(
    outbox_id: int, kind: str, age_s: float = 0, text: str = "买入 平安银行 000001.SZ 50（最少 100 股）· 演示 → paper"
) -> OutboxRow:
    at = NOW - timedelta(seconds=age_s)
    return OutboxRow(outbox_id=outbox_id, created_at=at, kind=kind, text=text, state="pending", tries=0, next_at=at)


def test_what_may_be_silenced_is_all_that_is_not_urgent() -> None:
    assert set(get_args(QuietKind)) == set(Kind) - URGENT


@given(ROWS, st.sets(st.sampled_from(Kind)), st.floats(0, 500), st.floats(0, 500))
def test_nothing_urgent_waits_and_nothing_waits_for_ever(
    rows: list[tuple[Kind, float]], quiet: set[Kind], gather_s: float, remainders_s: float
) -> None:
    manner = Manner(quiet=frozenset(quiet), gather_s=gather_s, remainders_s=remainders_s)
    all_rows = [row(n, kind, age_s) for n, (kind, age_s) in enumerate(rows)]
    assert not any(one.kind in URGENT for one in manner.unwanted(all_rows))
    out, wait = manner.ready(all_rows, NOW)
    assert {one.outbox_id for one in all_rows if one.kind in URGENT} <= {one.outbox_id for one in out}
    assert (wait is None) == (len(out) == len(all_rows))
    later, rest = manner.ready(all_rows, NOW + timedelta(seconds=max(gather_s, remainders_s) + 1))
    assert (len(later), rest) == (len(all_rows), None)


def test_forty_remainders_are_two_messages_and_not_forty() -> None:
    bundles = pack([row(n, Kind.REMAINDER) for n in range(40)], now=NOW)
    assert len(bundles) == 2
    assert all(size(bundle.text) <= MAX_BYTES for bundle in bundles)
    assert bundles[0].text.startswith(
        f"🔸 余数结转 {len(bundles[0].rows)} 笔（不足一手，并入以后的信号）\n买入 平安银行"
    )
    assert sum(bundle.text.count("最少 100 股") for bundle in bundles) == 40


def test_remainders_stand_below_what_happened_otherwise() -> None:
    (bundle,) = pack([row(1, Kind.REMAINDER), row(2, Kind.ORDER_DONE, text="✅ 已跟"), row(3, Kind.REMAINDER)], now=NOW)
    text = bundle.text
    assert text.index("✅ 已跟") < text.index("🔸 余数结转 2 笔")
    assert text.count("平安银行") == 2
