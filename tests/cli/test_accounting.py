"""`jqfollow drift | repair | book | report` beside a service that runs, and without one."""

import asyncio
import json
from pathlib import Path

import pytest

from e2e.house import House
from e2e.test_repair import PING_AN, refused_at_the_limit, report
from jqfollow.drift.reading import COUNTER_LAGS

from .conftest import Run


def of_house(house: House, folder: Path) -> Path:
    """A configuration by which the commands find the house."""
    port = house.service.console_url.rpartition(":")[2]
    text = f"""
data_dir = '{house.data_dir}'
[console]
port = {port}
[accounts.paper]
broker = "paper"
[strategies.demo]
follow = {{ paper = 1.0 }}
"""
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


async def test_a_drift_is_shown_closed_and_signed(tmp_path: Path, run: Run) -> None:
    async with House(tmp_path / "house") as house:
        await refused_at_the_limit(house)
        await report(house, S000001_XSHE=1000)
        at = ("--config", of_house(house, tmp_path))

        async def command(*args: object, answer: str | None = None) -> str:
            result = await asyncio.to_thread(run, *args, *at, answer=answer)
            assert result.exit_code == 0, result.output
            return str(result.stdout)

        [cost] = json.loads(await command("shortfall", "--from", "2026-03-01", "--to", "2026-03-03", "--json"))
        assert (cost["strategy"], cost["figures"]["orders"]) == ("demo", 1)
        assert "demo" in await command("shortfall", "demo", "--account", "paper", "--to", "2026-03-03")
        assert "没有订单" in await command("shortfall", "--to", "2020-03-03")
        [row] = json.loads(await command("drift", "--json"))
        assert (row["drift"], row["causes"][0]["cause"]) == ("1000", "refused")
        assert "没有下单" not in await command("repair", "demo", "--dry-run")
        assert "没有下单" in await command("repair", "demo", answer="n\n")
        assert "1 笔" in await command("repair", "demo", answer="y\n")
        await house.settled()
        assert (await house.book(PING_AN)).volume == 1000
        assert "没有偏差" in await command("drift")
        house.forward(COUNTER_LAGS.seconds + 5)
        told = await command("book", "set", "paper", "demo", PING_AN, 900, "--why", "试", "--who", "王")
        assert "-100" in told
        refused = await asyncio.to_thread(run, "book", "adopt", "paper", "demo", PING_AN, 101, "--why", "多", *at)
        assert (refused.exit_code, "900" in refused.output) == (1, True)
        [act] = json.loads(await command("book", "list", "--json"))
        assert (act["bookings"][0]["who"], act["bookings"][0]["shares"]) == ("王", -100)
        await command("book", "undo", act["act"], "--why", "改回")
        assert (await house.book(PING_AN)).volume == 1000


def test_without_a_service_nothing_is_done(run: Run, config: Path) -> None:
    assert run("repair", "demo").exit_code == 1
    assert run("repair", "nobody").exit_code == 2


@pytest.mark.slow
def test_the_report_is_a_file(run: Run, config: Path, tmp_path: Path) -> None:
    from .story import write_story

    write_story(config.parent / "data")
    file = tmp_path / "报告.html"
    assert run("report", file, "--from", "2026-03-01", "--to", "2026-03-31").exit_code == 0
    assert "<svg" in file.read_text(encoding="utf-8")
    assert run("report", file, "--from", "2026-03-31", "--to", "2026-03-01").exit_code == 2
