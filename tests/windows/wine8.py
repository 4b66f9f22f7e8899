"""What Python wants and Wine 8 has not; `wine8.pth` imports it at each start of that Python."""

import _winapi
import importlib.machinery
import sys
import time
from types import ModuleType
from typing import Any

if hasattr(_winapi, "CopyFile2"):
    del _winapi.CopyFile2  # not implemented: `shutil.copy2` would end the process

_TRIES = 2000
_LOOPS = {"asyncio.selector_events": "BaseSelectorEventLoop", "asyncio.proactor_events": "BaseProactorEventLoop"}


def _wake(self: Any) -> None:
    """Wakes the loop for certain: Wine's `send` of one byte to the loop's own socket fails now and then.

    It says WSAEWOULDBLOCK, asyncio swallows that, and the loop sleeps on although `call_soon_threadsafe` was called.
    """
    for _ in range(_TRIES):
        sock = self._csock
        if sock is None:
            return
        try:
            sock.send(b"\0")
        except BlockingIOError:
            time.sleep(0.001)
            continue
        except OSError:
            return
        return


class _Loader:
    def __init__(self, inner: Any, loop: str) -> None:
        self._inner = inner
        self._loop = loop

    def create_module(self, _: Any) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        self._inner.exec_module(module)
        getattr(module, self._loop)._write_to_self = _wake


class _Wakes:
    """Lazily: asyncio is not imported for the sake of it."""

    def find_spec(self, name: str, path: Any = None, _: Any = None) -> Any:
        if name not in _LOOPS:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is not None:
            spec.loader = _Loader(spec.loader, _LOOPS[name])  # type: ignore[assignment]
        return spec


sys.meta_path.insert(0, _Wakes())  # type: ignore[arg-type]
