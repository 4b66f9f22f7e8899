"""The dashboard of docs/monitoring: every query asked of a real Prometheus, laid out as the dashboard says.

The drawing is not Grafana's; what it shows is what Grafana would get.
"""

import asyncio
import random
import re
import tempfile
import time
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from e2e.house import House
from monitoring.prometheus import Prometheus, scraping
from monitoring.scraped import dashboard
from pictures.files import chinese_font, shrink

COLOURS = {"green": "#3f9e5a", "red": "#cf4b4b", "orange": "#d98a2b", "blue": "#3f74c7"}
_RUN_S = 90
_ROW_IN, _WIDTH_IN = 0.33, 13.0
_LASTS = {"000001.XSHE": 10.52, "600036.XSHG": 41.2, "300750.XSHE": 260.1, "601318.XSHG": 52.3}
_PICTURE_OFTEN = 0.3


async def take(picture: Path) -> None:
    """Runs a service and a Prometheus for a minute and a half, and draws."""
    with tempfile.TemporaryDirectory() as folder:
        async with House(Path(folder), wecom=True) as house:
            token = house.data_dir / "console.token"
            target = house.service.console_url.removeprefix("http://")
            async with scraping(Path(folder) / "prometheus", target, token) as prometheus:
                began = time.time()
                await _trade(house, began)
                panels = [(panel, await _asked(prometheus, panel, began)) for panel in dashboard()["panels"]]
    _draw(panels, picture)


async def _trade(house: House, began: float) -> None:
    """Prices wander, a strategy buys and sells; some orders are out of reach and wait."""
    dice = random.Random(7)  # a picture, no secret
    lasts = dict(_LASTS)
    while time.time() - began < _RUN_S:
        code = dice.choice(list(lasts))
        lasts[code] *= 1 + dice.uniform(-0.004, 0.004)
        house.market(code, last=f"{lasts[code]:.2f}")
        side, amount = dice.choice(("buy", "buy", "sell")), dice.choice((100, 200, 500))
        await house.send("demo", code, side, amount, price=f"{lasts[code]:.2f}")
        if dice.random() < _PICTURE_OFTEN:
            account = house.service.parts.accounts["paper"]
            await house.service.parts.sweeps.take_picture(account, house.clock.now())
            await house.service.parts.watch.look(house.clock.now())
        await asyncio.sleep(dice.uniform(0.3, 2.5))


async def _asked(prometheus: Prometheus, panel: dict[str, Any], began: float) -> list[tuple[str, Any]]:
    found = []
    for target in panel["targets"]:
        if panel["type"] == "stat":
            rows = await prometheus.ask(target["expr"])
        else:
            span = {"start": began, "end": time.time(), "step": 1}
            rows = (await prometheus.get("/api/v1/query_range", query=target["expr"], **span))["result"]
        for row in rows:
            labels = row["metric"]
            name = re.sub(r"\{\{(\w+)\}\}", lambda match, of=labels: of.get(match[1], ""), target["legendFormat"])
            found.append((name.strip(), row.get("value") or row["values"]))
    return found


def _draw(panels: list[tuple[dict[str, Any], list[tuple[str, Any]]]], picture: Path) -> None:
    rows = max(p["gridPos"]["y"] + p["gridPos"]["h"] for p, _ in panels)
    with mpl.rc_context({"font.family": [chinese_font(), "DejaVu Sans"], "font.size": 8, "axes.unicode_minus": False}):
        figure = Figure(figsize=(_WIDTH_IN, rows * _ROW_IN + 0.3), facecolor="#111217")
        for panel, found in panels:
            at = panel["gridPos"]
            x, w = at["x"] / 24, at["w"] / 24
            y, h = 1 - (at["y"] + at["h"]) / rows, at["h"] / rows
            (_stat if panel["type"] == "stat" else _series)(figure, panel, found, (x, y, w, h))
        figure.savefig(picture, dpi=100)
    shrink(picture)


def _stat(figure: Figure, panel: dict[str, Any], found: list[tuple[str, Any]], box: tuple[float, ...]) -> None:
    x, y, w, h = box
    axes = figure.add_axes((x + 0.002, y + 0.004, w - 0.004, h - 0.008))
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    defaults = panel["fieldConfig"]["defaults"]
    for number, (name, (_, value)) in enumerate(found):
        left, width = number / len(found), 1 / len(found)
        colour = COLOURS[_step(defaults, float(value))]
        axes.add_patch(FancyBboxPatch((left, 0), width, 1, boxstyle="square,pad=0", color=colour, linewidth=0))
        text = name if panel["options"]["textMode"] == "name" else _shown(defaults, float(value))
        size = 9 if len(text) > 12 else 15
        axes.text(left + width / 2, 0.38, text, ha="center", va="center", color="white", fontsize=size)
        if name and text != name:
            axes.text(left + width / 2, 0.1, name, ha="center", color="white", fontsize=7)
    axes.text(0.03, 0.93, panel["title"], va="top", color="white", fontsize=8)


def _series(figure: Figure, panel: dict[str, Any], found: list[tuple[str, Any]], box: tuple[float, ...]) -> None:
    x, y, w, h = box
    frame = figure.add_axes((x + 0.002, y + 0.003, w - 0.004, h - 0.006), facecolor="#181b1f")
    frame.set_xticks([])
    frame.set_yticks([])
    for spine in frame.spines.values():
        spine.set_color("#2a2d33")
    frame.text(0.01, 0.965, panel["title"], va="top", color="#d8d9da", fontsize=9, transform=frame.transAxes)
    axes = figure.add_axes((x + 0.05, y + h * 0.3, w - 0.065, h * 0.55), facecolor="#181b1f")
    axes.tick_params(colors="#9fa3a9", labelsize=7)
    axes.grid(color="#2a2d33", linewidth=0.6)
    for spine in axes.spines.values():
        spine.set_visible(False)
    ends = [float(values[-1][0]) for _, values in found]
    for name, values in found:
        points = [(float(at) - max(ends), float(value)) for at, value in values if value != "NaN"]
        axes.plot([at for at, _ in points], [value for _, value in points], linewidth=1.4, label=name)
    axes.set_xlim(-_RUN_S, 0)
    defaults = panel["fieldConfig"]["defaults"]
    axes.yaxis.set_major_formatter(lambda value, _: _shown(defaults, value))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0f} s")
    if found:
        frame.legend(
            *axes.get_legend_handles_labels(), loc="lower center", ncol=5, frameon=False, fontsize=6.5,
            labelcolor="#c7c8ca", handlelength=1.2, columnspacing=1.2,
        )  # fmt: skip
    else:
        axes.text(0.5, 0.5, "没有数据 / no data", ha="center", color="#7d8187", transform=axes.transAxes)


def _step(defaults: dict[str, Any], value: float) -> str:
    steps = defaults["thresholds"]["steps"]
    return str([step["color"] for step in steps if step["value"] is None or value >= step["value"]][-1])


def _shown(defaults: dict[str, Any], value: float) -> str:
    for mapping in defaults.get("mappings", ()):
        if (text := mapping["options"].get(f"{value:g}")) is not None:
            return str(text["text"])
    if defaults["unit"] == "bytes":
        for unit in ("B", "KiB", "MiB", "GiB"):
            if abs(value) < 1024:
                return f"{value:.3g} {unit}"
            value /= 1024
        return f"{value:.3g} TiB"
    if defaults["unit"] == "s":
        return f"{value * 1000:.3g} ms" if abs(value) < 1 else f"{value:.3g} s"
    return f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
