"""The client as a user gets it: rendered, loaded, with its times in the test's hand."""

import itertools
import types
from dataclasses import dataclass, field
from typing import Any

from joinquant import Platform
from jqfollow.wire.client_file import render_client
from jqfollow.wire.jqf1 import Key

KEY = Key.parse("jqf1_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")

PASTED = """
def buy(context, security, amount, style=None):
    return order(security, amount, style)

def call(context, name, *args, **kwargs):
    return globals()[name](*args, **kwargs)
"""
HELPED = (
    """
import jqfollow_client_demo

def process_initialize(context):
    jqfollow_client_demo.install(globals(), context, "demo")
"""
    + PASTED
)


@dataclass
class Times:
    """The client's clocks; its sleeping moves them."""

    now: float = 1767576903.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def rendered(url: str = "http://127.0.0.1:9", budget_s: float = 10.0) -> str:
    return render_client(url=url, key_text=KEY.text, strategy="demo", budget_s=budget_s)


def load(text: str | None = None) -> types.ModuleType:
    """The client as a module of its own."""
    module = types.ModuleType("jqfollow_client")
    exec(compile(text or rendered(), "jqfollow_client.py", "exec"), module.__dict__)
    return module


_MARK = '\ninstall = jqfollow_install\n\nif "order" in globals():  # pasted into a strategy'


def timed(text: str, times: Times, *, patience_s: float = 5.0) -> str:
    """`text` with its clocks replaced as soon as it is loaded; no attempt waits longer than `patience_s`, for real."""
    assert text.count(_MARK) == 1
    name = f"_times_{next(_numbers)}"
    globals()[name] = times
    hook = f"""
import sys as _sys
_JqFollow.now = staticmethod(lambda: _sys.modules[{__name__!r}].{name}.now)
_JqFollow.monotonic = staticmethod(lambda: _sys.modules[{__name__!r}].{name}.now)
_JqFollow.sleep = staticmethod(lambda s: _sys.modules[{__name__!r}].{name}.sleep(s))
_JqFollow.ATTEMPT_S = {patience_s!r}
"""
    return text.replace(_MARK, hook + _MARK)


_numbers = itertools.count()


def platform(client: str, *, pasted: bool = False, strategy: str = "", **options: Any) -> Platform:
    """A strategy with `client` in it, pasted or as a helper."""
    if pasted:
        return Platform(client + PASTED + strategy, **options)
    return Platform(HELPED + strategy, helpers={"jqfollow_client_demo": client} | options.pop("helpers", {}), **options)
