"""The file that is pasted into QMT: what is filled in, how long it is, and that Python 3.6 in GBK can run it."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from jqfollow.execution.brokers.fullqmt.script import MOST_LINES, ScriptError, render_script
from wire.test_client_file import python36

DOCS = Path(__file__).parent.parent.parent / "docs" / "fullqmt.md"


def rendered(folder: Path = Path("/跟单 a/信箱")) -> bytes:
    return render_script(mailbox=folder.absolute(), account_id="88880001", account_type="CREDIT", tick_ms=500)


def test_what_was_given_stands_at_the_top() -> None:
    text = rendered().decode("gbk")
    assert text.startswith("#coding:gbk\r\n")
    values = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(text.partition("\n")[2]).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    assert Path(values["MAILBOX"]) == Path("/跟单 a/信箱").absolute()
    assert (values["ACCOUNT"], values["ACCOUNT_TYPE"], values["TICK_MS"]) == ("88880001", "CREDIT", 500)


def test_it_is_short_and_narrow_enough_to_be_read() -> None:
    lines = rendered().decode("gbk").split("\r\n")
    assert len(lines) - 1 <= MOST_LINES
    assert max(map(len, lines)) <= 120


def test_it_imports_only_what_every_broker_allows() -> None:
    tree = ast.parse(rendered().decode("gbk").partition("\n")[2])
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names} == {"json", "os", "time"}
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert not names & {"sleep", "system", "popen", "exec", "eval", "__import__", "getattr_static", "importlib"}


def test_python_36_has_all_that_is_used(tmp_path: Path) -> None:
    script = tmp_path / "strategy.py"
    script.write_bytes(rendered().replace(b"#coding:gbk\r\n", b"").decode("gbk").encode("utf-8"))
    found = subprocess.run(
        [sys.executable, "-c", "import vermin; vermin.main()", "-t=3.6-", "--no-tips", "--violations", str(script)],
        capture_output=True,
        encoding="utf-8",
        check=False,
        env=os.environ | {"PYTHONUTF8": "1"},
    )
    assert found.returncode == 0, found.stdout + found.stderr


def test_python_36_compiles_it(tmp_path: Path) -> None:
    script = tmp_path / "strategy.py"
    script.write_bytes(rendered())
    subprocess.run([python36(), "-m", "py_compile", str(script)], check=True)


def test_a_path_that_gbk_cannot_hold(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match="GBK"):
        rendered(tmp_path / "한글 é")


def test_a_relative_path() -> None:
    with pytest.raises(ScriptError, match="absolute"):
        render_script(mailbox=Path("box"), account_id="1")


def test_a_path_with_quotes_stays_a_text() -> None:
    text = rendered(Path("/a'b\"c#d")).decode("gbk")
    assert ast.parse(text.partition("\n")[2])
    assert re.search(r"^MAILBOX = .*信箱文件夹", text, re.MULTILINE)


def test_the_probe_runs_in_the_emulated_terminal(tmp_path: Path) -> None:
    """The ten lines of the document, as a user pastes them."""
    from .context import strategy

    [probe] = re.findall(r"```python\n(#coding:gbk\n.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert len(probe.splitlines()) == 10
    script, violations, timers = tmp_path / "probe.py", list[str](), list[str]()
    script.write_bytes(probe.replace(r"r'D:\jqfollow\probe'", repr(str(tmp_path))).replace("\n", "\r\n").encode("gbk"))
    space = strategy(str(script), {}, violations)

    class Context:
        def run_time(self, name: str, *_: object) -> None:
            timers.append(name)

    space["init"](Context())
    for _ in range(3):
        space[timers[0]](Context())
    assert len((tmp_path / "b.json").read_text(encoding="utf-8").split(",")) == 3
    assert violations == []
