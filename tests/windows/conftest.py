"""A folder with a Chinese name and a blank in it."""

from pathlib import Path

import pytest

from .folder import Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    path = tmp_path / "我的 跟单"
    path.mkdir()
    return Folder(path)
