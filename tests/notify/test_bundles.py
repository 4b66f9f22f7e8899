from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from jqfollow.clock import SHANGHAI
from jqfollow.ledger.rows import OutboxRow
from jqfollow.notify.bundles import BACKLOG, pack
from jqfollow.notify.kinds import URGENT, Kind, is_urgent
from jqfollow.notify.texts import MAX_BYTES, size

NOW = datetime(2026, 3, 3, 10, 0, tzinfo=SHANGHAI)


def row(outbox_id: int, text: str = "已成交", *, kind: str = Kind.ORDER_DONE, age_s: float = 0) -> OutboxRow:
    at = NOW - timedelta(seconds=age_s)
    return OutboxRow(outbox_id=outbox_id, created_at=at, kind=kind, text=text, state="pending", tries=0, next_at=at)


ROWS = st.lists(
    st.tuples(
        st.text(st.characters(codec="utf-8"), max_size=400) | st.integers(1, 5000).map(lambda n: "长" * n),
        st.sampled_from([*Kind, "of_a_later_version"]),
        st.floats(0, 1200) | st.floats(86_400, 200_000),
    ),
    max_size=60,
).map(lambda drawn: [row(n, text, kind=kind, age_s=age) for n, (text, kind, age) in enumerate(drawn, start=1)])


@given(ROWS, st.sets(st.integers(1, 60)))
def test_every_row_is_in_one_message_within_the_limit_and_in_order(rows: list[OutboxRow], alone: set[int]) -> None:
    bundles = pack(rows, now=NOW, alone=alone)

    assert all(size(bundle.text) <= MAX_BYTES for bundle in bundles)
    packed = [r for bundle in bundles for r in bundle.rows]
    urgent = [r for r in rows if is_urgent(r.kind)]
    remainders = [r for r in rows if r.kind == Kind.REMAINDER]
    assert packed == urgent + [r for r in rows if not is_urgent(r.kind) and r.kind != Kind.REMAINDER] + remainders
    for bundle in bundles:
        assert bundle.urgent == any(is_urgent(r.kind) for r in bundle.rows)
        assert len(bundle.rows) == 1 or alone.isdisjoint(bundle.ids)


@given(ROWS)
def test_the_text_shows_each_row_or_at_least_its_first_line(rows: list[OutboxRow]) -> None:
    for bundle in pack(rows, now=NOW):
        if len(bundle.rows) > 1:
            for r in bundle.rows:
                assert r.text.split("\n", 1)[0] in bundle.text
                if is_urgent(r.kind):
                    assert r.text in bundle.text


def test_a_fresh_row_alone_is_sent_as_it_is() -> None:
    assert pack([row(1, "已成交\n金额 1 元")], now=NOW)[0].text == "已成交\n金额 1 元"


def test_a_late_row_says_when_it_was_written() -> None:
    assert pack([row(1, age_s=121)], now=NOW)[0].text == "[09:57:59] 已成交"
    assert pack([row(1, age_s=86_400)], now=NOW)[0].text == "[03-02 10:00:00] 已成交"


def test_several_rows_share_a_message() -> None:
    rows = [row(1, "甲\n一"), row(2, "乙"), row(3, "急", kind=Kind.ALERT)]

    (bundle,) = pack(rows, now=NOW)

    assert bundle.text == "3 条通知\n\n[10:00:00] 急\n\n[10:00:00] 甲\n一\n\n[10:00:00] 乙"
    assert bundle.ids == [3, 1, 2]
    assert bundle.urgent


def test_a_row_longer_than_a_message_is_cut() -> None:
    (bundle,) = pack([row(1, "长" * 3000)], now=NOW)

    assert bundle.text.startswith("长长")
    assert bundle.text.endswith("…（全文见控制台）")


def test_a_long_backlog_is_a_digest_and_what_is_urgent_stays_whole() -> None:
    backlog = [row(n, f"❌ 未成交 买入 平安银行 000001.SZ {n} 股\n" + "细节" * 60, age_s=3600) for n in range(1, 301)]
    urgent = row(301, "🚨 结果未知\n请到控制台", kind=next(iter(URGENT)), age_s=3600)
    fresh = row(302, "✅ 已成交\n金额 1.00 元")

    bundles = pack([*backlog, urgent, fresh], now=NOW)

    text = "\n".join(bundle.text for bundle in bundles)
    assert len(bundles) < 16  # and not three hundred
    assert bundles[0].text.startswith("积压的 ")
    assert "🚨 结果未知\n请到控制台" in bundles[0].text
    assert "细节" not in text
    assert all(f" {n} 股" in text for n in range(1, 301))
    assert text.endswith("✅ 已成交\n金额 1.00 元")


def test_a_short_backlog_is_shown_in_full() -> None:
    backlog = [row(n, "首行\n细节", age_s=3600) for n in range(1, BACKLOG + 1)]

    assert sum(bundle.text.count("细节") for bundle in pack(backlog, now=NOW)) == BACKLOG
