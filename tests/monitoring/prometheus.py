"""A real Prometheus that scrapes a real service, both on 127.0.0.1."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from ports import free_port

from .scraped import FILES

HAS_ONE = shutil.which("prometheus") is not None and shutil.which("promtool") is not None


class Prometheus:
    """What it answers."""

    def __init__(self, url: str) -> None:
        self._http = httpx.AsyncClient(base_url=url, trust_env=False)

    async def get(self, path: str, **params: Any) -> Any:
        """The data of an answer; a query that cannot be run fails."""
        answer = await self._http.get(path, params=params)
        body = answer.json()
        assert body["status"] == "success", body
        return body["data"]

    async def ask(self, query: str) -> list[dict[str, Any]]:
        """What a query gives now."""
        found: list[dict[str, Any]] = (await self.get("/api/v1/query", query=query))["result"]
        return found

    async def until_up(self, wanted: str, times: int = 1) -> None:
        """Until it has scraped so often."""
        for _ in range(600):
            try:
                rows = await self.ask(f"count_over_time({wanted}[1h])")
            except (httpx.HTTPError, ValueError):  # it is not there yet, or says so in plain words
                rows = []
            if rows and float(rows[0]["value"][1]) >= times:
                return
            await asyncio.sleep(0.1)
        raise TimeoutError(f"no {wanted} was scraped")

    async def close(self) -> None:
        await self._http.aclose()


@asynccontextmanager
async def scraping(folder: Path, target: str, token_file: Path) -> AsyncIterator[Prometheus]:
    """Scrapes `target` each second, by the configuration that users are given."""
    process, url = await asyncio.to_thread(_begin, folder, target, token_file)
    prometheus = Prometheus(url)
    try:
        yield prometheus
    finally:
        await prometheus.close()
        process.terminate()
        await asyncio.to_thread(process.wait, 20)


def _begin(folder: Path, target: str, token_file: Path) -> tuple[subprocess.Popen[bytes], str]:
    config = (FILES / "prometheus.yml").read_text(encoding="utf-8")
    for theirs, ours in (("15s", "1s"), ("127.0.0.1:8000", target), ("data/console.token", token_file.as_posix())):
        assert theirs in config
        config = config.replace(theirs, ours)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "prometheus.yml").write_text(config, encoding="utf-8")
    shutil.copy(FILES / "alerts.yml", folder)
    address = f"127.0.0.1:{free_port()}"
    options = ("--config.file=prometheus.yml", "--storage.tsdb.path=tsdb", f"--web.listen-address={address}")
    with (folder / "log").open("wb") as output:
        process = subprocess.Popen(["prometheus", *options], cwd=folder, stdout=output, stderr=output)
    return process, f"http://{address}"
