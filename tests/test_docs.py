"""The documents against the code: what they name exists, what exists they name."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import click
import pytest

from jqfollow.api.sessions import FILE_NAME as ENDED
from jqfollow.api.token import FILE_NAME as TOKEN
from jqfollow.cli.app import cli
from jqfollow.domain import ATTEMPT_ENDED, AttemptState, Side
from jqfollow.execution.lifecycle import Event, step
from jqfollow.execution.sizing import Intent, size
from jqfollow.ledger.backups import daily_path
from jqfollow.market.calendar import FILE_NAME as CALENDAR
from jqfollow.market.lots import lot_rule
from jqfollow.market.securities import parse_security
from jqfollow.notify.kinds import Kind
from jqfollow.reasons import Reason, Refusal
from jqfollow.settings import Follow, Settings, schema
from jqfollow.wire.jqf1 import Key, ack_mac, seal

ROOT = Path(__file__).resolve().parent.parent
DOCS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
READMES = ("README.md", "README.zh-CN.md")
_IMAGES = re.compile(r"!\[[^\]]*\]\(([^)\s]+)\)")


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# -- links and names ---------------------------------------------------------------------------------------------------


def without_code(markdown: str) -> str:
    return re.sub(r"```.*?```|`[^`\n]*`", "", markdown, flags=re.DOTALL)


def anchors(markdown: str) -> set[str]:
    """As GitHub makes them: lower case, punctuation away, blanks to hyphens."""
    titles = re.findall(r"^#+ +(.*)$", re.sub(r"```.*?```", "", markdown, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCS, ids=name_of)
def test_links_lead_somewhere(document: Path) -> None:
    markdown = document.read_text(encoding="utf-8")
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(markdown)):
        path, _, anchor = target.partition("#")
        if "://" in path:
            continue
        file = (document.parent / path) if path else document
        if not file.exists() or (anchor and anchor not in anchors(file.read_text(encoding="utf-8"))):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("document", DOCS, ids=name_of)
def test_files_and_tests_that_are_named_exist(document: Path) -> None:
    missing = []
    for path, _, test in re.findall(
        r"`((?:src|tests|docs|bench|\.ci)/[\w./-]*)(::(\w+))?`", document.read_text(encoding="utf-8")
    ):
        file = ROOT / path
        if not file.exists() or (test and not re.search(rf"\bdef {test}\(", file.read_text(encoding="utf-8"))):
            missing.append(f"{path}::{test}" if test else path)
    assert missing == []


def test_every_decision_has_its_number_once() -> None:
    numbers = [path.name[:4] for path in sorted((ROOT / "docs/decisions").glob("*.md"))]
    assert numbers == [f"{n:04}" for n in range(1, len(numbers) + 1)]
    for path in (ROOT / "docs/decisions").glob("*.md"):
        assert path.read_text(encoding="utf-8").startswith(f"# {path.name[:4]} "), path


# -- README ------------------------------------------------------------------------------------------------------------


def code_of(markdown: str) -> str:
    return "\n".join(re.findall(r"```.*?```|`[^`\n]+`", markdown, flags=re.DOTALL))


@pytest.mark.parametrize("readme", READMES)
def test_every_command_is_named(readme: str) -> None:
    code = code_of(text(readme))
    commands = set(cli.list_commands(click.Context(cli)))
    assert {name for name in commands if not re.search(rf"(jqfollow |`){name}\b", code)} == set()
    assert set(re.findall(r"\bjqfollow ([a-z]+(?:-[a-z]+)*)\b", code)) <= commands


def test_both_languages_give_the_same_commands() -> None:
    blocks = [re.findall(r"```(?:sh|powershell|python)\n.*?```", text(readme), re.DOTALL) for readme in READMES]
    assert blocks[0] == blocks[1]
    assert blocks[0]


@pytest.mark.parametrize("document", DOCS, ids=name_of)
def test_commands_and_options_that_are_told_exist(document: Path) -> None:
    """`jqfollow x --y` in a document's code."""
    unknown = []
    for told in re.findall(r"(?:^|`)(jqfollow [^`\n]*)", document.read_text(encoding="utf-8"), re.MULTILINE):
        words = re.split(r"\s+#|[;&|]|…", told)[0].split()[1:]
        command: click.Command = cli
        while words and isinstance(command, click.Group):
            named = command.get_command(click.Context(command), words[0])
            if named is None:
                break
            command = named
            words.pop(0)
        options = {option for parameter in command.params for option in parameter.opts}
        unknown += [
            told for word in words if word.startswith("--") and word.partition("=")[0] not in options | {"--help"}
        ]
        if isinstance(command, click.Group) and words and re.fullmatch(r"[a-z][a-z-]*", words[0]):
            unknown.append(told)
    assert unknown == []


def test_the_changelog_knows_this_version() -> None:
    from jqfollow import __version__

    assert f"\n## {__version__}\n" in text("CHANGELOG.md")


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads(text("pyproject.toml"))["project"]
    written = text("docs/decisions/0002-dependencies.md")
    for wanted in (*project["dependencies"], *project["optional-dependencies"]["test"]):
        assert f"`{re.split(r'[^A-Za-z0-9-]', wanted)[0]}`" in written, wanted
    named = set(re.findall(r"^\| `([a-z-]+)`", written, re.MULTILINE))
    assert named == {re.split(r"[^A-Za-z0-9-]", wanted)[0] for wanted in project["dependencies"]}


# -- configuration -----------------------------------------------------------------------------------------------------


def leaves(node: schema.Node, path: tuple[str, ...] = ()) -> Iterator[tuple[str, schema.Node, bool]]:
    """Every key of the configuration: its path, what may stand there, whether it must."""
    for part in schema.branches(node):
        for key, below in part.get("properties", {}).items():
            here = (*path, key)
            if schema.is_map(below):
                if key == "follow":
                    yield ".".join(here), below, False
                inner = schema.child(below, "any")
                assert inner is not None
                yield from leaves(inner, (*here, "NAME"))
                if key != "follow":
                    yield from leaves(below, here)
            elif schema.keys(below):
                yield from leaves(below, here)
            else:
                yield ".".join(here), below, key in part.get("required", ())


KEYS = {path: (node, required) for path, node, required in leaves(schema.root())}


def default_cell(value: Any) -> str:
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, int | float):
        return f"`{value:.15g}`"
    clock = re.fullmatch(r"(\d\d:\d\d):00", value)
    return f'`"{clock[1] if clock else value}"`'


@cache
def rows(document: str) -> dict[str, list[str]]:
    """The rows of a document's tables by the code in their first cell."""
    found: dict[str, list[str]] = {}
    for line in text(document).splitlines():
        if line.startswith("| `"):
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            found.setdefault(cells[0].strip("`"), cells[1:])
    return found


@pytest.mark.parametrize("path", KEYS)
def test_every_key_is_documented(path: str) -> None:
    node, required = KEYS[path]
    default, allowed, effect = rows("docs/configuration.md")[path]
    assert effect
    value = node.get("default")
    if required:
        assert default == "必填 required"
    elif isinstance(value, list):
        assert sorted(tomllib.loads(f"v = {default.strip('`')}")["v"]) == sorted(value)
    elif value is not None:
        number = schema.types(node) & {"integer", "number"}
        assert default == default_cell(float(value) if number else value)
    for part in schema.branches(node):
        for bound in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
            if bound in part:
                assert f"{part[bound]:,.15g}" in allowed
        for choice in (*part.get("enum", ()), *([part["const"]] if "const" in part else ())):
            assert f'`"{choice}"`' in allowed


def test_no_key_is_documented_that_is_none() -> None:
    sections = ("data_dir", "signals.", "console.", "accounts.", "strategies.", "execution.", "risk.", "notify.")
    written = {key for key in rows("docs/configuration.md") if key.startswith(sections) and key not in {TOKEN, ENDED}}
    assert written == set(KEYS)


def test_the_data_folder_is_described() -> None:
    settings = Settings()
    files = [settings.ledger_file, settings.keys_file, settings.data_dir / TOKEN, settings.data_dir / CALENDAR]
    written = text("docs/configuration.md")
    for file in files:
        assert f"`{file.name}`" in written
    for name in (settings.logs_dir.name, daily_path(settings.ledger_file, date.min).parent.name):
        assert f"`{name}/`" in written


SIZING = re.findall(
    r"^\| `\{ paper = (.+) \}` \| (\d{6}\.\w\w) \| (\d+) \| (\d+) \| ([\d.]+) \|$",
    text("docs/configuration.md"),
    re.MULTILINE,
)


@pytest.mark.parametrize(("follow", "symbol", "amount", "bought", "carried"), SIZING)
def test_the_sizing_examples(follow: str, symbol: str, amount: str, bought: str, carried: str) -> None:
    given = Follow.model_validate(tomllib.loads(f"v = {follow}", parse_float=Decimal)["v"])
    sized = size(
        Intent(
            security=symbol,
            account="paper",
            side=Side.BUY,
            amount=int(amount),
            mode=given.mode,
            figure=given.figure,
            price=Decimal("10.00"),
            total_value=Decimal(600_000),
            rule=lot_rule(parse_security(symbol), date(2026, 1, 5)),
        )
    )
    assert (sized.volume, sized.carry_buy.quantize(Decimal("0.01"))) == (int(bought), Decimal(carried))


def test_there_are_sizing_examples_of_every_mode() -> None:
    assert len(SIZING) >= 8
    assert {"value", "shares", "equity"} <= {mode for row in SIZING for mode in re.findall("[a-z]+", row[0])}


# -- operation ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_its_sentences_and_a_remedy(reason: Reason) -> None:
    refusal = Refusal(reason=reason)
    sentence, remedy = rows("docs/operation.md")[reason]
    assert sentence == "<br>".join(refusal.text(lang).replace("?", "…") for lang in ("zh", "en"))
    assert remedy


def test_every_kind_of_message_has_its_section() -> None:
    """`docs/guide/alarms.md`: what to do when it comes."""
    titles = re.findall(r"^## .*\((\w+)\)$", text("docs/guide/alarms.md"), re.MULTILINE)
    assert sorted(titles) == sorted(Kind)


def test_every_picture_is_shown_and_small() -> None:
    pictures = sorted((ROOT / "docs" / "images").iterdir())
    shown = {
        (document.parent / target).resolve()
        for document in DOCS
        for target in _IMAGES.findall(document.read_text(encoding="utf-8"))
    }
    assert set(pictures) <= shown
    assert sum(picture.stat().st_size for picture in pictures) < 3 * 1024 * 1024
    for readme in READMES:
        assert "(docs/images/" in text(readme)


@pytest.mark.parametrize("event", Event)
def test_the_table_of_an_attempts_life(event: Event) -> None:
    header = next(line for line in text("docs/operation.md").splitlines() if line.startswith("| 事件 event |"))
    states = [AttemptState(name) for name in re.findall("`([a-z_]+)`", header)]
    assert set(states) == set(AttemptState) - ATTEMPT_ENDED
    after = [step(state, event) for state in states]
    wanted = ["·" if new is old else f"`{new}`" for old, new in zip(states, after, strict=True)]
    assert rows("docs/operation.md")[event][:-1] == wanted


def test_the_clients_words_are_explained() -> None:
    """Each warning of the client begins like a row of the table of symptoms, or stands in one."""
    table = text("docs/operation.md")
    parts = sorted((ROOT / "src/jqfollow/wire").glob("joinquant_*.py"))
    source = "".join(part.read_text(encoding="utf-8") for part in parts)
    told = re.findall(r"cls\.(?:warn|say)\(\s*\"([^\"%，：（]{4,})", source)
    assert len(told) > 5
    assert {words for words in told if words.strip()[:6] not in table} == set()


# -- wire --------------------------------------------------------------------------------------------------------------


def test_the_wire_example_is_what_its_command_prints() -> None:
    written = text("docs/wire.md")
    key = Key(secret=bytes(range(32)))
    plain = re.search(r"^\{\"kind\":\"hello\".*\}$", written, re.MULTILINE)
    body = re.search(r"^\{\"v\":\"jqf1\",\"kid\":\"demo\".*\}$", written, re.MULTILINE)
    assert plain
    assert body
    assert seal(key, "demo", "demo-h-1", 1767322000, plain[0]) == json.loads(body[0])
    assert key.text in written
    assert ack_mac(key, "demo-h-1", "accepted") in written


def test_the_wire_command_prints_the_example() -> None:
    written = text("docs/wire.md")
    command = re.search(r"```sh\npython -c \"\n(.*?)\"\n```", written, re.DOTALL)
    assert command
    program = command[1].replace('\\"', '"')
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, encoding="utf-8")
    body, mac = done.stdout.split()
    assert body in written
    assert mac in written


# -- the repository ----------------------------------------------------------------------------------------------------


def tracked() -> list[Path]:
    try:
        done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [file for name in done.stdout.decode().split("\0") if name and (file := ROOT / name).is_file()]


def test_every_file_is_utf8_without_a_mark() -> None:
    wrong = []
    for file in tracked():
        raw = file.read_bytes()
        if file.suffix == ".png":
            continue
        try:
            raw.decode("utf-8")
        except UnicodeDecodeError:
            wrong.append(name_of(file))
        if raw.startswith(b"\xef\xbb\xbf") or b"\0" in raw:
            wrong.append(name_of(file))
    assert wrong == []


_PACKAGE = re.compile("pkg:py" + r"pi/(?=[a-z0-9-]+@)")
"""A package's name in a bill of materials, where its kind belongs to it."""


def test_no_file_names_this_machine_or_a_registry() -> None:
    places = re.compile(
        "|".join(
            [
                re.escape(ROOT.as_posix()) + r"\b",
                re.escape(str(Path.home())) + r"\b" if len(Path.home().parts) > 1 else r"(?!)",
                r"/(?:root|opt|srv|mnt)/\w",
                r"(?i:py" + r"pi\b|files\.pythonhosted|index[-_]url)",
            ]
        )
    )
    found = {
        f"{name_of(file)}: {match[0]}"
        for file in tracked()
        if file.suffix != ".png" and (match := places.search(_PACKAGE.sub("", file.read_text(encoding="utf-8"))))
    }
    assert found == set()
