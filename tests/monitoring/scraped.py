"""What `/metrics` says, read by Prometheus' own parser; and what documents, rules and dashboard name."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

FILES = Path(__file__).resolve().parents[2] / "docs" / "monitoring"
NAME = re.compile(r"jqfollow_[a-z_]+")
_SUFFIX = re.compile(r"_(bucket|sum|count|total)$")


def families(text: str) -> dict[str, Metric]:
    """By name; a counter's without `_total`, as the parser has it."""
    found: dict[str, Metric] = {}
    for family in text_string_to_metric_families(text):
        assert family.name not in found, f"{family.name} twice"
        found[family.name] = family
    return found


def value(found: Mapping[str, Metric], name: str, **labels: str) -> float:
    """The one sample of that name whose labels hold these."""
    samples = found[_SUFFIX.sub("", name)].samples
    [wanted] = [s.value for s in samples if s.name == name and labels.items() <= s.labels.items()]
    return float(wanted)


def stem(name: str) -> str:
    """The family's name as the parser gives it."""
    return _SUFFIX.sub("", name)


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FILES / "dashboard.json").read_text(encoding="utf-8"))
    return found


def queries() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Every panel of the dashboard with each of its queries."""
    for panel in dashboard()["panels"]:
        for target in panel["targets"]:
            yield panel, target
