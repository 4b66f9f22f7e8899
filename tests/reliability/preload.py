"""What lives begin with: imported once, in the process that they are forked from."""

import httpx
import uvicorn

import jqfollow.service
import jqfollow.settings
import terminal.native
from jqfollow.execution.brokers.fullqmt import broker as _full
from jqfollow.execution.brokers.miniqmt import broker as _mini

__all__ = ["httpx", "jqfollow", "terminal", "uvicorn"]
del _full, _mini
