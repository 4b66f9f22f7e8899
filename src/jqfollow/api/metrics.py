"""Counters and gauges in Prometheus' text format (version 0.0.4)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One family of figures; each value with its labels."""

    name: str
    help: str
    kind: Literal["counter", "gauge"] = "gauge"
    values: tuple[tuple[Mapping[str, str], float], ...] = field(default=())


class Counters:
    """What was counted since the start. Names and labels come from code, never from a message."""

    def __init__(self) -> None:
        self._help: dict[str, str] = {}
        self._counts: dict[str, dict[_Labels, int]] = defaultdict(lambda: defaultdict(int))

    def declare(self, name: str, help_text: str) -> None:
        """Names a counter; it shows as soon as it has counted something."""
        self._help[name] = help_text

    def add(self, name: str, **labels: str) -> None:
        """Counts one."""
        self._counts[name][tuple(sorted(labels.items()))] += 1

    def get(self, name: str, **labels: str) -> int:
        """How many were counted with exactly these labels."""
        return self._counts[name][tuple(sorted(labels.items()))]

    def samples(self) -> list[Sample]:
        """All of them."""
        return [
            Sample(
                name=name,
                help=self._help.get(name, name),
                kind="counter",
                values=tuple((dict(labels), count) for labels, count in sorted(counts.items())),
            )
            for name, counts in sorted(self._counts.items())
        ]


def render(samples: Iterable[Sample]) -> str:
    """The text that a scraper reads."""
    lines: list[str] = []
    for sample in samples:
        lines += [f"# HELP {sample.name} {_escape(sample.help)}", f"# TYPE {sample.name} {sample.kind}"]
        for labels, value in sample.values:
            inner = ",".join(f'{name}="{_quoted(text)}"' for name, text in labels.items())
            lines.append(f"{sample.name}{{{inner}}} {value!r}" if inner else f"{sample.name} {value!r}")
    return "\n".join(lines) + "\n"


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")


def _quoted(text: str) -> str:
    return _escape(text).replace('"', r"\"")
