"""Everyone who is told, as configured."""

from collections.abc import Sequence

import httpx

from jqfollow.notify.channels import Channel
from jqfollow.notify.line import Robot
from jqfollow.notify.wecom import WecomRobot
from jqfollow.settings import NotifySettings


def robots_of(notify: NotifySettings, client: httpx.AsyncClient) -> Sequence[Robot]:
    """WeCom's robots, then the channels; raises `ConfigError` for an address that is none."""
    channels = [Channel(name, url) for name, of in notify.channels.items() for url in of.urls]
    for channel in channels:
        channel.check()
    return [*(WecomRobot(key, client) for key in notify.wecom.keys), *channels]
