"""The bench itself: does it notice what is lost, does its table tell the truth, does its long history hold together?"""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from bench.calls import CallReader, CallRecorder, CallsMissingError, Key, Sent
from bench.figure import Bound, Figure, Of, Row, Run
from bench.figures import FIGURES
from bench.history import growing, multiply
from bench.report import replaced, table, verdict, write_some
from bench.runner import Measured, measure
from bench.stage import Side, Stage
from jqfollow.ledger.ledger import Ledger
from ledger.samples import DAY, an_attempt, fill_report

SYMBOL = "600000.SH"
ROOT = Path(__file__).resolve().parent.parent


def sent(volume: int, at_ns: int = 0) -> Sent:
    return Sent(key=Key(symbol=SYMBOL, side="buy", volume=volume), at_ns=at_ns)


# -- calls and signals -------------------------------------------------------------------------------------------------


def test_each_signal_finds_its_call(tmp_path: Path) -> None:
    recorder, reader = CallRecorder(tmp_path), CallReader(tmp_path)
    assert reader.poll() == 0
    for volume in (200, 100, 100):
        recorder.record(SYMBOL, "buy", volume)
    reader.wait(3, 5)
    first, second, third = (at for at, _ in reader.calls)
    signals = [sent(100, second - 1_000_000), sent(200, first - 2_000_000), sent(100, third - 3_000_000)]
    assert reader.latencies_ms(signals) == [1, 2, 3]


def test_a_call_too_few_or_too_many_is_noticed(tmp_path: Path) -> None:
    recorder, reader = CallRecorder(tmp_path), CallReader(tmp_path)
    recorder.record(SYMBOL, "buy", 100)
    recorder.record(SYMBOL, "buy", 100)
    reader.poll()
    with pytest.raises(CallsMissingError, match="no signal asked for"):
        reader.latencies_ms([sent(100)])
    with pytest.raises(CallsMissingError, match="no call for"):
        reader.latencies_ms([sent(100), sent(200)])
    with pytest.raises(CallsMissingError, match="2 of 3"):
        reader.wait(3, 0)


def test_the_floor_answers_with_proof_and_calls_once(tmp_path: Path) -> None:
    with Stage(Side.FLOOR, tmp_path) as stage:
        signals = stage.signals.buys(20)
        done = stage.send_all(signals, connections=4)
        stage.calls.wait(20, 30)
        assert len(stage.calls.latencies_ms(done)) == 20
        assert stage.cpu_s() > 0
    with closing(sqlite3.connect(tmp_path / "floor.sqlite3")) as connection:
        rows = connection.execute("SELECT strategy, message_id FROM signals").fetchall()
    assert sorted(rows) == sorted((signal.strategy, signal.message_id) for signal in signals)


# -- rounds and verdicts -----------------------------------------------------------------------------------------------

RATIO = Row(key="a", label="a", unit="ms", must=Bound(most=3), wish=Bound(most=1.5))
REACHED = Row(key="e", label="e", unit="ms", must=Bound(most=3), reached=Bound(most=5))
VALUE = Row(key="b", label="b", unit="ms", must=Bound(most=50, of=Of.VALUE))
TAIL = Row(key="c", label="c", unit="ms", must=Bound(most=3), tail=True)
LEAST = Row(key="d", label="d", unit="/s", must=Bound(least=0.5))


def figure(service: float, *rows: Row) -> Figure:
    return Figure(
        name="x",
        title="X",
        rows=rows,
        measure=lambda _, side: dict.fromkeys((row.key for row in rows), service if side == "jqfollow" else 10.0),
    )


@pytest.mark.parametrize(
    ("row", "service", "full", "quick"),
    [
        (RATIO, 30, True, True),
        (RATIO, 31, False, True),
        (RATIO, 61, False, False),
        (REACHED, 30, True, True),
        (REACHED, 99, False, True),
        (REACHED, 101, False, False),
        (LEAST, 5, True, True),
        (LEAST, 4.9, False, True),
        (LEAST, 2.4, False, False),
        (VALUE, 50, True, None),
        (VALUE, 500, False, None),
        (TAIL, 31, False, None),
    ],
)
def test_a_bound(tmp_path: Path, row: Row, service: float, full: bool, quick: bool | None) -> None:
    run = Run(quick=False, folder=tmp_path)
    [result] = measure(figure(service, row), run, rounds=1, say=print).results()
    assert verdict(result, quick=False) is full
    assert verdict(result, quick=True) is quick
    assert ("✗" in table([result], quick=False)) is (not full)
    assert table([result], quick=True).count("~") == (not full and quick is not False)


def test_sides_take_turns_at_being_first(tmp_path: Path) -> None:
    said: list[str] = []
    measure(figure(1, RATIO), Run(quick=False, folder=tmp_path), rounds=3, say=said.append)
    assert [line.split()[2].rstrip(":") for line in said] == [
        *("floor", "jqfollow"),
        *("jqfollow", "floor"),
        *("floor", "jqfollow"),
    ]


def test_medians_and_spread_stand_in_the_table() -> None:
    rounds = {"floor": [{"a": 1.0}, {"a": 3.0}, {"a": 2.0}], "jqfollow": [{"a": 4.0}, {"a": 2.5}, {"a": 9.0}]}
    text = table(Measured(figure=figure(1, RATIO, VALUE), values=rounds).results(), quick=False)
    assert "2.00 ms [1.00–3.00] (floor)" in text
    assert "4.00 ms [2.50–9.00]" in text
    assert "2.00×" in text


def test_the_document_has_the_blocks_that_are_written() -> None:
    text = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    for name in ("machine", "since", "table", "plot", "profile"):
        changed = replaced(text, name, "a \\1 b")
        assert f"<!-- bench:{name} -->\na \\1 b\n<!-- /bench:{name} -->" in changed
        assert replaced(changed, name, "") != changed
    with pytest.raises(ValueError, match="0 blocks"):
        replaced(text, "nothing", "")


def test_a_figure_that_is_measured_again_takes_the_place_of_its_own(tmp_path: Path) -> None:
    run = Run(quick=False, folder=tmp_path)
    before, again, other = (
        measure(one, run, rounds=1, say=print)
        for one in (figure(20, RATIO, VALUE), figure(30, RATIO), replace(figure(10, RATIO), name="y", title="Y"))
    )
    text = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    document = tmp_path / "performance.md"
    document.write_text(replaced(text, "table", table(before.results(), quick=False)), encoding="utf-8")
    write_some(document, [again, other])
    found = document.read_text(encoding="utf-8")
    assert [line.split("|")[1].strip() for line in found.splitlines() if "(floor)" in line and "×" in line] == [
        "X", "Y",
    ]  # fmt: skip
    assert "30.0 ms" in found
    assert "20.0 ms" not in found
    assert "Measured again: x, y (" in found


def test_names_of_figures_are_distinct() -> None:
    assert len({one.name for one in FIGURES}) == len(FIGURES)
    for one in FIGURES:
        assert len({row.key for row in one.rows}) == len(one.rows), one.name


# -- the long history --------------------------------------------------------------------------------------------------


async def test_a_multiplied_ledger_is_a_sound_one(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    with Ledger.open(path) as ledger:
        attempt = await ledger.write(lambda tx: an_attempt(tx, "one"))
        await ledger.write(lambda tx: tx.fills.add(attempt, "demo", fill_report(attempt), DAY))
    with closing(sqlite3.connect(path)) as before:
        schema = before.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall()
    multiply(path, 9_000)
    with Ledger.open(path) as ledger:  # which looks for damage
        assert (await ledger.read(lambda tx: tx.attempts.get(attempt.attempt_id))) is not None
        await ledger.write(lambda tx: an_attempt(tx, "two"))
    with closing(sqlite3.connect(path)) as connection:
        assert set(growing(connection)) >= {"signals", "orders", "attempts", "fills", "decisions", "events"}
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall() == schema
        for table_name in ("signals", "attempts"):
            assert connection.execute(f"SELECT count(*) FROM {table_name}").fetchone() == (9_001,)
        assert connection.execute("SELECT count(*) FROM fills").fetchone() == (9_000,)
        days = connection.execute("SELECT day, count(*) FROM signals GROUP BY day ORDER BY day").fetchall()
        newest = connection.execute("SELECT message_id, day FROM signals ORDER BY signal_id DESC LIMIT 2").fetchall()
    assert newest == [("two", str(DAY)), ("one", str(DAY))]
    assert [count for _, count in days] == [999, 4_000, 4_000, 2]
