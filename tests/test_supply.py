"""What is installed: the pins, the bill of materials and the zip for Windows agree with `pyproject.toml`."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
UNBOUNDED = frozenset({"tzdata"})
"""Data of each year: whatever is newest is right."""
TOOLS = frozenset({"pip", "uv", "cyclonedx-bom"})


def pins(text: str) -> list[Requirement]:
    return [Requirement(line.rstrip(" \\")) for line in text.splitlines() if re.match(r"[A-Za-z0-9]", line)]


def wanted() -> Iterator[Requirement]:
    extras = PROJECT["optional-dependencies"]
    for line in (*PROJECT["dependencies"], *(line for lines in extras.values() for line in lines)):
        yield Requirement(line)


def test_every_pin_has_hashes_and_nothing_says_where_it_came_from() -> None:
    assert len(pins(CONSTRAINTS)) > 50
    assert "://" not in CONSTRAINTS
    assert "index" not in CONSTRAINTS
    for block in re.split(r"\n(?=[A-Za-z0-9])", CONSTRAINTS)[1:]:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), block


@pytest.mark.parametrize("system", ["linux", "win32"])
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_what_the_project_wants_is_pinned_within_its_bounds(system: str, python: str) -> None:
    here = {**default_environment(), "sys_platform": system, "python_version": python}
    here |= {"python_full_version": f"{python}.4", "platform_python_implementation": "CPython"}
    pinned = {
        canonicalize_name(pin.name): pin for pin in pins(CONSTRAINTS) if not pin.marker or pin.marker.evaluate(here)
    }
    for want in wanted():
        if canonicalize_name(want.name) in TOOLS or (want.marker and not want.marker.evaluate(here)):
            continue
        pin = pinned[canonicalize_name(want.name)]
        [version] = [specifier.version for specifier in pin.specifier]
        assert want.specifier.contains(version, prereleases=True), (want, version)


def test_everything_has_an_upper_bound_that_was_tested() -> None:
    without = {want.name for want in wanted() if not any(s.operator in {"<", "<=", "=="} for s in want.specifier)}
    assert without == UNBOUNDED


def test_the_bill_of_materials_tells_of_every_pin() -> None:
    bill = json.loads((ROOT / "sbom.json").read_text(encoding="utf-8"))
    told = {(canonicalize_name(part["name"]), part["version"]) for part in bill["components"]}
    assert told == {(canonicalize_name(pin.name), next(iter(pin.specifier)).version) for pin in pins(CONSTRAINTS)}
    assert bill["metadata"]["component"]["name"] == PROJECT["name"]


def test_the_zip_for_windows_pins_the_same() -> None:
    locked = pins((ROOT / "packaging_win" / "locked.txt").read_text(encoding="utf-8"))
    versions = {(canonicalize_name(pin.name), str(pin.specifier)) for pin in pins(CONSTRAINTS)}
    others = {
        canonicalize_name(pin.name)
        for pin in locked
        if (canonicalize_name(pin.name), str(pin.specifier)) not in versions
    }
    assert others <= TOOLS
    plain = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    assert plain - {canonicalize_name(pin.name) for pin in locked} == {"xtquant"}
