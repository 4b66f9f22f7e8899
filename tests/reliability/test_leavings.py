"""A secret that is left behind is found, however it was written."""

import base64
from collections.abc import Callable
from pathlib import Path

import pytest

from jqfollow.wire.jqf1 import Key

from .leavings import looked_through, secrets_of
from .served import Served

KEY = Key(secret=bytes(range(7, 39)))
TOKEN = "tokentokentoken-1234567890_abcdefghij"
ROBOT = "693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("log.txt", KEY.text.encode),
        ("log.txt", lambda: KEY.text.removeprefix("jqf1_").encode()),
        ("core", lambda: KEY.secret),
        ("log.txt", lambda: KEY.secret.hex().encode()),
        ("log.txt", lambda: repr(KEY.secret).encode()),
        ("a.xlsx", lambda: TOKEN.encode("utf-16-le")),
        ("log.txt", lambda: base64.b64encode(TOKEN.encode())),
        ("ledger.sqlite3", lambda: b"https://qyapi.weixin.qq.com/?key=" + ROBOT.encode()),
    ],
)
def test_it_is_found(tmp_path: Path, name: str, written: Callable[[], bytes]) -> None:
    served = Served(tmp_path / "run")
    served.data.mkdir()
    (served.data / "keys.toml").write_text(f'[demo]\nkey = "{KEY.text}"\n', encoding="utf-8")
    (served.data / "console.token").write_text(TOKEN, encoding="utf-8")
    secrets = secrets_of(served, ROBOT)
    assert looked_through(served.folder, secrets)[2] == []
    (served.data / name).write_bytes(b"before " + written() + b" after")
    assert len(looked_through(served.folder, secrets)[2]) >= 1
    served.close()
