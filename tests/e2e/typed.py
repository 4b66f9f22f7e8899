"""What a document tells its reader to type, and a reader who types it: on a PC and a server, both of this machine.

A document marks what is typed by a comment that its reader does not see, before the block:

    <!-- run: pc -->            the block's lines, one after the other, each must end with 0
    <!-- stays: pc -->          the same, and the last one goes on running
    <!-- stop: jqfollow serve -->   the reader is told to press Ctrl-C there
    <!-- write: server /etc/x -->   the block is that file's content
    <!-- joinquant: strategy -->    the block is the strategy's text
    <!-- see: joinquant -->     each line of the block is to be seen there; … stands for anything. Else it is an address

What is not of this machine is stood in for at its edge, and nowhere else: the server is another loopback address
(`SERVER`), whose files lie in a folder; its `systemctl` runs what the unit says; `wget` and `scp` bring files; `sh` and
PowerShell read these lines alike.
"""

import configparser
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

SERVER_IN_DOCUMENTS = "203.0.113.10"
_MARK = re.compile(r"<!-- (run|stays|stop|write|joinquant|see): (.+?) -->(?:\n+```(\w+)\n(.*?)\n```)?", re.DOTALL)
_COMMAND_S = 600
_BEGIN_S = 90
_LISTENING = ("/usr/bin/env", "--default-signal=INT")
"""Whoever runs tests in the background has Ctrl-C ignored by all that they start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One thing that a document tells its reader to do, or to see."""

    do: str
    where: str
    block: str
    """The text of the block; "" where none follows."""


def told(document: Path) -> Iterator[Told]:
    """In the document's order."""
    for do, where, _, block in _MARK.findall(document.read_text(encoding="utf-8")):
        assert block or do == "stop", f"{do}: {where} has no block"
        yield Told(do=do, where=where, block=block)


class Machine:
    """A home folder, a path of programs and what runs."""

    def __init__(
        self, home: Path, path: list[Path], *, replaced: Mapping[str, str], environment: Mapping[str, str]
    ) -> None:
        """`replaced`: what documents say, and what it is here; `environment` is all there is, beside HOME and PATH."""
        self.home = home
        self.folder = home
        self.replaced = dict(replaced)
        self.said = ""
        """What the last command printed."""
        home.mkdir(parents=True, exist_ok=True)
        programs = os.pathsep.join([*map(str, path), "/usr/bin", "/bin"])
        self._environment = {"HOME": str(home), "PATH": programs, "LANG": "C.UTF-8", **environment}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._outputs: dict[str, Path] = {}

    def here(self, text: str) -> str:
        """`text` as it is on this machine."""
        for theirs, ours in self.replaced.items():
            text = text.replace(theirs, ours)
        return text

    def run(self, block: str) -> None:
        """Types the lines one after the other."""
        for line in block.splitlines():
            command = self.here(line)
            done = subprocess.run(
                ["/bin/sh", "-c", command], cwd=self.folder, env=self._environment, timeout=_COMMAND_S,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
            )  # fmt: skip
            self.said = done.stdout.decode("utf-8", "replace")
            assert done.returncode == 0, f"$ {command}\n{self.said}"

    def begin(self, block: str) -> str:
        """Types a line that goes on running; gives its last command's name."""
        command = self.here(block)
        name = block.rpartition("&& ")[2].strip()
        output = self.home / f"window-{len(self._outputs)}.txt"
        with output.open("wb") as stream:
            self._running[name] = subprocess.Popen(
                [*_LISTENING, "/bin/sh", "-c", command], cwd=self.folder, env=self._environment, stdout=stream,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        self._outputs[name] = output
        return name

    def window(self, name: str) -> str:
        """What a program that goes on has printed."""
        return self._outputs[name].read_text(encoding="utf-8", errors="replace")

    def wait_for(self, name: str, text: str, timeout_s: float = _BEGIN_S) -> None:
        """Until it has printed `text`."""
        end = time.monotonic() + timeout_s
        while text not in self.window(name):
            assert self._running[name].poll() is None, f"{name} ended:\n{self.window(name)}"
            assert time.monotonic() < end, f"{name} never said {text!r}:\n{self.window(name)}"
            time.sleep(0.1)

    def press_ctrl_c(self, name: str) -> None:
        """In the window of a program."""
        process = self._running[name]
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)
        del self._running[name]

    def stop_all(self) -> None:
        """Whatever is left."""
        for name in list(self._running):
            process = self._running.pop(name)
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)

    def write(self, name: str, text: str) -> None:
        """Makes a file; of an absolute name, below `home`."""
        file = (self.home if name.startswith("/") else self.folder) / name.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n", encoding="utf-8")


def program(path: Path, text: str) -> None:
    """A little program of Python."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{sys.executable}\n{text}", encoding="utf-8")
    path.chmod(0o755)


class Server(Machine):
    """The public server: another loopback address, whose `/` is a folder."""

    def __init__(self, home: Path, *, address: str, archive: Path, environment: Mapping[str, str]) -> None:
        """`archive`: the file that `wget` brings, whatever it is asked for."""
        tools = home / "tools"
        roots = {f" {root}": f" {home}{root}" for root in ("/usr/local", "/etc/frp", "/etc/systemd")}
        super().__init__(home, [tools], replaced=roots, environment=environment)
        self.address = address
        for folder in ("usr/local/bin", "etc/systemd/system"):
            (home / folder).mkdir(parents=True)
        program(tools / "wget", f"import shutil, sys\nshutil.copy({str(archive)!r}, sys.argv[-1].rpartition('/')[2])\n")
        program(tools / "systemctl", "import sys\nassert sys.argv[1] in ('daemon-reload', 'enable'), sys.argv\n")

    def receive(self, file: Path) -> None:
        """What is bound to all its addresses is bound to its own: it shares a machine with the PC."""
        text = file.read_text(encoding="utf-8")
        (self.home / file.name).write_text(f'bindAddr = "{self.address}"\n{text}', encoding="utf-8")

    def start_unit(self, name: str) -> str:
        """What `systemctl enable --now` does with what the unit says; the name of what runs."""
        file = self.home / f"etc/systemd/system/{name}.service"
        unit = configparser.ConfigParser(strict=False, interpolation=None)
        unit.optionxform = str  # type: ignore[assignment,method-assign]
        unit.read(file, encoding="utf-8")
        assert unit["Install"]["WantedBy"] == "multi-user.target"
        if shutil.which("systemd-analyze") is not None:
            checked = self.home / file.name
            checked.write_text(re.sub("=/", f"={self.home}/", file.read_text(encoding="utf-8")), encoding="utf-8")
            found = subprocess.run(["systemd-analyze", "verify", checked], capture_output=True, text=True, check=False)
            assert (found.returncode, found.stderr) == (0, ""), found.stderr
        given = self.home / "credentials"
        given.mkdir()
        credential, _, source = unit["Service"]["LoadCredential"].partition(":")
        shutil.copy(f"{self.home}{source}", given / credential)
        return self.begin(" " + unit["Service"]["ExecStart"].replace("${CREDENTIALS_DIRECTORY}", str(given)))
