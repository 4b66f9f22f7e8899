"""The service as a process of its own on the simulated native modules: `python -m terminal.serve SETTINGS.json`.

Prints one line of JSON when its ports are open; ends when its standard input closes, or is killed.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from e2e.house import TickingClock
from jqfollow.service import Service
from jqfollow.settings import Settings

from . import native


async def main(told: dict[str, Any]) -> None:
    native.install()
    native.use_market(Path(told["market"]))
    clock = TickingClock()
    clock.forward(told["forward_s"])
    async with Service(Settings.model_validate(told["settings"]), clock=clock) as service:
        print(json.dumps({"signals": service.signals_url}), flush=True)  # noqa: T201  # the parent waits for it
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
