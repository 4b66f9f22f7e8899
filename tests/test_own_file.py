"""A person's own settings changed by a program: what was meant stands there, and everything else is as it was."""

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jqfollow.settings import ConfigError, default_config, load_settings, local_file
from jqfollow.settings.toml_file import TomlFile, parse_toml
from jqfollow.setup import own_file
from jqfollow.setup.own_file import Change, change_own, edited

BASE = parse_toml(default_config().decode(), "config.toml")
NAMES = st.sampled_from(["main", "b-2", "my.first", "测试"])
VALUES = st.one_of(
    st.integers(0, 10**12),
    st.booleans(),
    st.decimals("0", "1000", places=4),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20),
    st.lists(st.text("ab\"'\\#", max_size=5), max_size=3),
)
PATHS = st.one_of(
    st.tuples(st.just("risk"), st.sampled_from(["a", "b"])),
    st.tuples(st.sampled_from(["accounts", "strategies"]), NAMES, st.sampled_from(["title", "cash"])),
    st.tuples(st.just("strategies"), NAMES, st.just("risk"), st.sampled_from(["a", "b"])),
    st.tuples(st.just("strategies"), NAMES, st.just("follow"), NAMES),
    st.tuples(st.just("data_dir")),
)
CHANGES = st.lists(st.builds(Change, path=PATHS, value=VALUES | st.none()), max_size=6)
BEGUN = [
    "",
    "# mine\n[risk]  # limits\na = 1  # one\n",
    '[strategies]\nmain = { follow = { main = 1.0 }, title = "甲" }\n[accounts.main]\ncash = 1_000\n[strategies.b-2]\n',
]


ODD = 'strategies.main.title = "x"\n[strategies.main.risk]\na = 1\n'
"""Laid out so that the library loses itself: changed rightly, or not at all."""


def put(data: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for key in path[:-1]:
        if not isinstance(data.get(key), dict):
            if value is None:
                return
            data[key] = {}
        data = data[key]
    if value is None:
        data.pop(path[-1], None)
    else:
        data[path[-1]] = value


def full(data: dict[str, Any]) -> dict[str, Any]:
    """Without empty tables."""
    kept = {key: full(value) if isinstance(value, dict) else value for key, value in data.items()}
    return {key: value for key, value in kept.items() if value != {}}


@settings(max_examples=60)
@given(begun=st.sampled_from([*BEGUN, ODD]), changes=CHANGES)
def test_what_was_meant_stands_there_and_nothing_else_changed(begun: str, changes: list[Change]) -> None:
    wanted = tomllib.loads(begun, parse_float=Decimal)
    for change in changes:
        put(wanted, change.path, change.value)
    try:
        written = edited(begun, changes, TomlFile(name="config.toml"))
    except ConfigError:
        assert begun == ODD
        return
    assert full(tomllib.loads(written, parse_float=Decimal)) == full(wanted)
    for comment in ("# mine", "# limits"):
        assert (comment in written) == (comment in begun)


def test_the_lines_of_keys_are_known() -> None:
    text = 'data_dir = "d"\n[a."b.c"]\nx = [\n  1,\n]\ny = """\n[no]\nz = 1\n"""\nt = { u.v = 1 }\n[e]\n'
    lines = parse_toml(text, "x").lines
    assert {".".join(path): line for path, line in lines.items()} == {
        "data_dir": 1, "a.b.c": 2, "a.b.c.x": 3, "a.b.c.y": 6, "a.b.c.t": 10, "a.b.c.t.u": 10, "a.b.c.t.u.v": 10,
        "e": 11,
    }  # fmt: skip


def test_a_write_that_fails_leaves_what_stood_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config.toml"
    config.write_bytes(default_config())
    own = local_file(config)
    own.write_text("[risk]\nmax_order_value = 5\n", encoding="utf-8")

    def full_disk(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(own_file, "write_private", full_disk)
    with pytest.raises(OSError, match="No space"):
        change_own(config, [Change(path=("risk", "max_order_value"), value=6)], {})
    assert load_settings(config, {}).risk.max_order_value == 5


def test_what_another_wrote_meanwhile_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config.toml"
    config.write_bytes(default_config())
    own = local_file(config)
    real, calls = own_file.edited, []

    def meanwhile(*args: Any) -> str:
        if not calls:
            own.write_text("[risk]\nmax_daily_orders = 7\n", encoding="utf-8")
        calls.append(1)
        return real(*args)

    monkeypatch.setattr(own_file, "edited", meanwhile)
    change_own(config, [Change(path=("risk", "max_order_value"), value=6)], {})
    risk = load_settings(config, {}).risk
    assert (risk.max_order_value, risk.max_daily_orders, len(calls)) == (6, 7, 2)


def test_a_value_that_would_be_wrong_is_never_written(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_bytes(default_config())
    with pytest.raises(ConfigError, match="max_order_value"):
        change_own(config, [Change(path=("risk", "max_order_value"), value=-6)], {})
    assert not local_file(config).exists()
