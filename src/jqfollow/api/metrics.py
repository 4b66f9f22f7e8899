"""Counters and gauges in Prometheus' text format (version 0.0.4)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Literal

from jqfollow.stages import BUCKETS_S, Stages

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One family of figures; each value with its labels."""

    name: str
    help: str
    kind: Literal["counter", "gauge"] = "gauge"
    values: tuple[tuple[Mapping[str, str], float], ...] = field(default=())

    def lines(self) -> Iterator[str]:
        """Its figures, one a line."""
        return (_line(self.name, labels, value) for labels, value in self.values)


def single(name: str, text: str, value: float, *, counter: bool = False) -> Sample:
    """A figure without labels."""
    return Sample(name=name, help=text, kind="counter" if counter else "gauge", values=(({}, float(value)),))


def labelled(name: str, text: str, values: Iterable[tuple[Mapping[str, str], float]]) -> Sample:
    """A gauge by its labels."""
    return Sample(name=name, help=text, values=tuple(values))


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSample:
    """How long each stage of orders took since the start."""

    stages: Stages
    name: str = "jqfollow_order_stage_seconds"
    help: str = "How long each stage of an order took, from its message's arrival to its first fill"
    kind: Literal["histogram"] = "histogram"

    def lines(self) -> Iterator[str]:
        """Buckets, sum and count of each stage."""
        for stage, histogram in self.stages.histograms.items():
            bounds = [*(f"{bound:g}" for bound in BUCKETS_S), "+Inf"]
            for bound, count in zip(bounds, accumulate(histogram.counts), strict=True):
                yield _line(f"{self.name}_bucket", {"stage": stage, "le": bound}, count)
            yield _line(f"{self.name}_sum", {"stage": stage}, histogram.sum_s)
            yield _line(f"{self.name}_count", {"stage": stage}, sum(histogram.counts))


class Counters:
    """What was counted since the start. Names and labels come from code, never from a message."""

    def __init__(self) -> None:
        self._help: dict[str, str] = {}
        self._counts: dict[str, dict[_Labels, int]] = defaultdict(lambda: defaultdict(int))

    def declare(self, name: str, help_text: str, **labels: Iterable[str]) -> None:
        """Names a counter; the values of `labels` show from the start, for no scraper sees a rise from nothing."""
        self._help[name] = help_text
        for label, texts in labels.items():
            self._counts[name] |= {((label, text),): 0 for text in texts}

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


def render(samples: Iterable[Sample | StageSample]) -> str:
    """The text that a scraper reads."""
    lines: list[str] = []
    for sample in samples:
        lines += [f"# HELP {sample.name} {_escape(sample.help)}", f"# TYPE {sample.name} {sample.kind}"]
        lines += sample.lines()
    return "\n".join(lines) + "\n"


def _line(name: str, labels: Mapping[str, str], value: float) -> str:
    inner = ",".join(f'{label}="{_quoted(text)}"' for label, text in labels.items())
    return f"{name}{{{inner}}} {value!r}" if inner else f"{name} {value!r}"


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")


def _quoted(text: str) -> str:
    return _escape(text).replace('"', r"\"")
