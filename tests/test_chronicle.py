"""The log's lines for people, from what the ledger got since the last look."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog

from cli.story import write_story
from jqfollow.chronicle import Chronicle
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.news import Read
from jqfollow.ledger.seldom import OTHERS_EVERY
from jqfollow.ledger.tx import Tx
from jqfollow.reasons import Lang

NOW = datetime(2026, 3, 3, tzinfo=UTC)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    write_story(tmp_path)
    opened = Ledger.open(tmp_path / "ledger.sqlite3")
    await opened.write(more)
    yield opened
    await opened.close()


def more(tx: Tx) -> None:
    """Steps of an order's way that the story leaves out."""
    (attempt,) = tx.attempts.of_order(4)
    for n, (event, after) in enumerate(
        [
            ("accepted", "new"),
            ("cancel_asked", "pending_cancel"),
            ("reported_canceled", "canceled"),
            ("no_answer", "unknown"),
        ]
    ):
        tx.events.add(4, attempt.attempt_id, NOW + timedelta(seconds=n), event, "new", after)
    tx.events.add(2, None, NOW, "order", "new", "rejected")


async def told(ledger: Ledger, lang: Lang = "zh") -> list[str]:
    chronicle = Chronicle(ledger, titles={"demo": "演示策略"}, securities={"000001.SZ": "平安银行"}, lang=lang)
    chronicle._read = Read()
    with structlog.testing.capture_logs() as lines:
        await chronicle.look(NOW)
        await chronicle.look(NOW)
    return [line["told"] for line in lines]


async def test_each_thing_that_happened_is_a_line_once(ledger: Ledger) -> None:
    lines = await told(ledger)
    assert len(lines) == len(set(lines))
    for words in (
        "信号 #1 演示策略 买入 平安银行 000001.SZ",
        "已报 第 1 次",
        "撤单，准备改价再报",
        "已撤，成交 0/200",
        "成交 300 股 @ 10.52",
        "未跟：券商拒绝：可用资金不足",
        "结果未知（没有回音）",
    ):
        assert any(words in line for line in lines), (words, lines)


async def test_in_english(ledger: Ledger) -> None:
    lines = await told(ledger, "en")
    assert any("filled 300 shares @ 10.52" in line for line in lines)
    assert any("not followed: the broker refused" in line for line in lines)


async def test_what_stood_before_it_began_is_no_news(ledger: Ledger) -> None:
    chronicle = Chronicle(ledger, titles={}, securities={})
    await chronicle.begin()
    with structlog.testing.capture_logs() as lines:
        await chronicle.look(NOW)
    assert lines == []


async def test_what_another_program_writes_is_told_within_three_looks(ledger: Ledger) -> None:
    chronicle = Chronicle(ledger, titles={}, securities={})
    await chronicle.begin()
    await chronicle.look(NOW)
    other = Ledger.open(ledger.path)
    other.write_now(lambda tx: tx.events.add(2, None, NOW, "order", "new", "rejected"))
    await other.close()
    with structlog.testing.capture_logs() as lines:
        for _ in range(OTHERS_EVERY):
            await chronicle.look(NOW)
    assert len(lines) == 1
    await ledger.write(lambda tx: tx.events.add(2, None, NOW, "order", "new", "rejected"))
    with structlog.testing.capture_logs() as lines:
        await chronicle.look(NOW)
    assert len(lines) == 1, "our own at once"
