"""The file that goes into JoinQuant: what is filled in, and that Python 3.6 can run it."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jqfollow.wire import client_file
from jqfollow.wire.client_file import ClientFileError, module_name, probe_text, render_client
from jqfollow.wire.errors import KeyTextError
from wire.clients import KEY, load, rendered

TESTS = Path(__file__).parent.parent


def test_what_was_given_stands_at_the_top() -> None:
    client = load(render_client(url=" https://h.example:8443/ ", key_text=KEY.text, strategy="s.1", budget_s=3))
    assert client.JQFOLLOW_URL == "https://h.example:8443"
    assert client.JQFOLLOW_STRATEGY == "s.1"
    assert KEY.text == client.JQFOLLOW_KEY
    assert client.JQFOLLOW_BUDGET_S == 3.0
    assert client.JQFOLLOW_SEND_BACKTEST is True
    assert client.JQFOLLOW_RELAY_KEY == ""
    assert (client._JqFollow.URL, client._JqFollow.KEY) == (client.JQFOLLOW_URL, client.JQFOLLOW_KEY)


def test_the_key_of_a_relay_stands_in_the_file() -> None:
    client = load(render_client(url="http://h:1", key_text=KEY.text, strategy="s", relay_key="0a" * 32))
    assert client.JQFOLLOW_RELAY_KEY == "0a" * 32
    for wrong in ("0a" * 31, "0a" * 32 + "0", "0A" * 32, "0g" * 32, " "):
        with pytest.raises(ClientFileError, match="64 hex digits"):
            render_client(url="http://h:1", key_text=KEY.text, strategy="s", relay_key=wrong)


def test_an_order_waits_ten_seconds_for_its_signal_unless_told_otherwise() -> None:
    given = {"url": "http://h:1", "key_text": KEY.text, "strategy": "s"}
    assert load(render_client(**given)).JQFOLLOW_BUDGET_S == 10.0
    for budget in (1, 60):
        assert budget == load(render_client(**given, budget_s=budget)).JQFOLLOW_BUDGET_S  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "url", ["http://h", "https://a-1.example", "http://1.2.3.4:1", "http://h:65535", "http://[2001:db8::1]:8888"]
)
def test_an_address_is_a_scheme_a_host_and_perhaps_a_port(url: str) -> None:
    assert url == load(render_client(url=url, key_text=KEY.text, strategy="demo")).JQFOLLOW_URL


def test_strategies_whose_names_differ_have_files_whose_names_differ() -> None:
    assert module_name("demo_1") == "jqfollow_client_demo_1"
    names = {module_name(name) for name in ("a-b", "a.b", "a_b", "-", "1")}
    assert len(names) == 5
    assert all(name.isidentifier() and len(name) <= len("jqfollow_client_a_b_0123") for name in names)


def test_a_file_knows_its_own_name_and_its_strategys() -> None:
    text = render_client(url="http://h", key_text=KEY.text, strategy="a.b")
    assert module_name("a.b") in text
    assert "JQFOLLOW_MODULE" not in text
    assert '"JQFOLLOW_NAME"' not in text


def test_the_probe_holds_no_key_and_calls_nobody() -> None:
    tree = ast.parse(probe_text())
    assert not {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & {"post", "request"}
    assert "jqf1_" not in probe_text()


def test_the_whole_address_may_be_given() -> None:
    text = render_client(url="http://1.2.3.4:8888/api/order", key_text=KEY.text, strategy="demo")
    assert load(text).JQFOLLOW_URL == "http://1.2.3.4:8888"
    assert load(text).JQFOLLOW_BUDGET_S == 10


def test_the_file_stands_alone() -> None:
    imported = {
        alias.name for node in ast.walk(ast.parse(rendered())) if isinstance(node, ast.Import) for alias in node.names
    }
    assert not [node for node in ast.walk(ast.parse(rendered())) if isinstance(node, ast.ImportFrom)]
    assert imported - {"requests"} <= sys.stdlib_module_names
    assert "cryptography" not in imported


@pytest.mark.parametrize(
    "url",
    [
        "",
        "1.2.3.4:8888",
        "ftp://h",
        "http://",
        "http://h:65536",
        "http://[h]",
        "http://h:8888 x",
        "http://h:0",
        "http://user:pass@h",
        "http://h/x",
        "http://h?x",
        "http://h#x",
        'http://h"\nimport os\n"',
        "http://h\\n",
    ],
)
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(ClientFileError) as caught:
        render_client(url=url, key_text=KEY.text, strategy="demo")
    assert "pass" not in str(caught.value)


@pytest.mark.parametrize("text", ["x = 1\nx = 2\n", "y = 1\n", ""])
def test_a_value_that_has_no_line_of_its_own_is_a_mistake_of_ours(text: str) -> None:
    with pytest.raises(AssertionError, match="lines that set x"):
        client_file._filled_in(text, "x", 3)
    assert client_file._filled_in("x = 1  # why\ny = 2\n", "x", "a") == "x = 'a'  # why\ny = 2\n"


@pytest.mark.parametrize("strategy", ["", "a b", "策略", 'x"', "x" * 65, "x\n"])
def test_a_strategy_that_the_wire_cannot_name(strategy: str) -> None:
    with pytest.raises(ClientFileError):
        render_client(url="http://h", key_text=KEY.text, strategy=strategy)


@pytest.mark.parametrize("budget", [1, 60])
def test_a_budget_at_its_ends(budget: float) -> None:
    text = render_client(url="http://h", key_text=KEY.text, strategy="demo", budget_s=budget)
    assert budget == load(text).JQFOLLOW_BUDGET_S


@pytest.mark.parametrize("budget", [0, -1, 0.5, 61, float("nan"), float("inf")])
def test_a_budget_that_is_none(budget: float) -> None:
    with pytest.raises(ClientFileError):
        render_client(url="http://h", key_text=KEY.text, strategy="demo", budget_s=budget)


def test_a_key_that_is_none() -> None:
    with pytest.raises(KeyTextError):
        render_client(url="http://h", key_text="jqf1_x", strategy="demo")


def test_names_that_a_strategy_may_have_taken_are_not_used() -> None:
    """`from pylab import *` replaces these; and only names of ours stand in the strategy's globals."""
    tree = ast.parse(rendered())
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert not used & {"any", "all", "sum", "min", "max", "abs", "round", "filter", "map", "sorted", "open", "pow"}
    client = load()
    ours = {name for name in vars(client) if not name.startswith("__")}
    assert {name for name in ours if "jqfollow" not in name.lower()} == {"install"}


def test_python_36_has_all_that_is_used(tmp_path: Path) -> None:
    client = tmp_path / "client.py"
    client.write_text(rendered(), encoding="utf-8")
    found = subprocess.run(
        [sys.executable, "-c", "import vermin; vermin.main()", "-t=3.6-", "--no-tips", "--violations", str(client)],
        capture_output=True,
        encoding="utf-8",
        check=False,
        env=os.environ | {"PYTHONUTF8": "1"},
    )
    assert found.returncode == 0, found.stdout + found.stderr


def python36() -> str:
    """The Python 3.6 of this machine; pyenv leaves a `python3.6` on the path that only says that it is none."""
    for found in (os.environ.get("JQFOLLOW_PYTHON36"), shutil.which("python3.6")):
        if found and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0:
            return found
    pytest.skip("no python3.6 here; JQFOLLOW_PYTHON36 names one")


def test_python_36_runs_it(tmp_path: Path) -> None:
    client = tmp_path / "jqfollow_client.py"
    client.write_text(rendered(), encoding="utf-8")
    vectors = TESTS / "wire" / "vectors" / "jqf1.json"
    found = subprocess.run(
        [python36(), str(TESTS / "wire" / "selftest36.py"), str(client), str(vectors), str(TESTS)],
        capture_output=True,
        encoding="utf-8",
        check=False,
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
        timeout=60,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    assert found.stdout.split()[-1] == "passed"
