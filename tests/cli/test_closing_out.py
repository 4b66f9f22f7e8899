"""`jqfollow close-all | cancel-all` beside a service that runs."""

import asyncio
import getpass
from pathlib import Path

from e2e.house import House
from e2e.test_closing_out import AT_HOURS, hold, next_day

from .conftest import Run
from .test_accounting import of_house


async def test_everything_is_closed_out_when_the_account_was_typed(tmp_path: Path, run: Run) -> None:
    async with House(tmp_path / "house", accounts=AT_HOURS) as house:
        await hold(house)
        await next_day(house)
        at = ("--config", of_house(house, tmp_path))

        async def command(*args: object, answer: str | None = None) -> tuple[int, str]:
            result = await asyncio.to_thread(run, *args, *at, answer=answer)
            return result.exit_code, str(result.output)

        assert (await command("close-all"))[0] == 2
        assert (await command("close-all", "--account", "nope"))[0] == 2
        code, told = await command("close-all", "--account", "paper", answer="\n")
        assert (code, "什么也没做" in told, "000001.SZ" in told) == (1, True, True)
        assert (await command("cancel-all", answer="n\n"))[0] == 1
        assert await house.ledger.read(lambda tx: tx.deeds.list(limit=9)) == []
        code, told = await command("close-all", "--account", "paper", answer="paper\n")
        assert (code, "1 笔" in told) == (0, True)
        await house.settled()
        assert (await house.book("000001.XSHE")).volume == 0
        code, told = await command("cancel-all", "--yes")
        assert (code, "0 笔" in told) == (0, True)
        await command("resume")
        await command("pause", "--buys", "--strategy", "demo")
        deeds = await house.ledger.read(lambda tx: tx.deeds.list(limit=9))
        assert [deed.what for deed in deeds] == ["pause_buys", "resume", "cancel_all", "close_all"]
        assert {deed.who for deed in deeds} == {getpass.getuser()}
