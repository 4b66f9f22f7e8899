"""The research root: files that strategies import, and the platform's own package. Python 3.6 syntax."""

import functools
import importlib.abc
import importlib.util
import re
import sys

from . import api
from .api import PLATFORM_API


def execute(text, name, namespace):
    """`exec` of a source; the classes of a client, which all clients have in common, are compiled once."""
    start = 0
    for end in [found.start() for found in re.finditer("^class _JqFollow", text, re.MULTILINE)] + [len(text)]:
        exec(_compiled(text[start:end], name, text.count("\n", 0, start)), namespace)
        start = end


@functools.lru_cache(maxsize=64)
def _compiled(part, name, line):
    return compile("\n" * line + part, name, "exec")


class ResearchRoot(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Makes `helpers` (name: text) importable while it is entered, and `from kuanke.user_space_api import *`."""

    def __init__(self, helpers, log):
        self.helpers = helpers
        self.g = None
        self.log = log

    def __enter__(self):
        sys.meta_path.insert(0, self)
        return self

    def __exit__(self, *_):
        sys.meta_path.remove(self)
        for name in ["kuanke", PLATFORM_API, *self.helpers]:
            sys.modules.pop(name, None)

    def find_spec(self, fullname, path=None, target=None):
        if fullname in ("kuanke", PLATFORM_API) or fullname in self.helpers:
            return importlib.util.spec_from_loader(fullname, self, is_package=fullname == "kuanke")
        return None

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        name = module.__name__
        if name == PLATFORM_API:
            module.__dict__.update({name: getattr(api, name) for name in api.NAMES}, g=self.g, log=self.log)
            module.__all__ = [*api.NAMES, "g", "log"]
        elif name in self.helpers:
            execute(self.helpers[name], name + ".py", module.__dict__)
