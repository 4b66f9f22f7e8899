"""What a person should know about a configuration that is possible, but not safe."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from jqfollow.domain import Wire
from jqfollow.settings.layers import RULES, Layers, Rule
from jqfollow.settings.sections import Settings


def _may_be_overheard(key: str) -> bool:
    address = urlsplit(key)
    local = address.hostname in {"127.0.0.1", "::1", "localhost"}
    wecom = address.scheme == "https" and address.hostname == "qyapi.weixin.qq.com"
    return bool(address.scheme) and not local and not wecom


def cautions(settings: Settings) -> list[tuple[str, str]]:
    """Sentences in Chinese and English, told at every start; empty when there is nothing to say."""
    found = []
    if settings.signals.open_to_others:
        host = settings.signals.host
        found.append(
            (
                f'信号端口监听 {host}，其他机器不经隧道就能连到它：没有防火墙时请改回 signals.host = "127.0.0.1"',
                f"other machines reach the signals port on {host} without the tunnel: keep a firewall before it",
            )
        )
    for name, strategy in settings.strategies.items():
        if strategy.wire is Wire.SEED:
            found.append(
                (
                    f'策略 {name} 使用原版客户端（wire = "seed"）：截获一条消息就能得到密码，只应在隧道内短期使用',
                    f'strategy {name} uses the original client (wire = "seed"), whose key one message gives away',
                )
            )
    if any(_may_be_overheard(key.get_secret_value()) for key in settings.notify.wecom.keys):
        found.append(
            (
                "notify.wecom.keys 里有不是 https://qyapi.weixin.qq.com 的地址：委托和持仓的消息会发到那里",
                "notify.wecom.keys has an address that is not https://qyapi.weixin.qq.com: messages go there",
            )
        )
    secrets = [s.secret.get_secret_value() for s in settings.strategies.values() if s.secret is not None]
    if len(set(secrets)) < len(secrets):
        found.append(
            (
                '多个 wire = "seed" 的策略共用一个 secret：谁有其中一个，就能冒充其余的',
                'several wire = "seed" strategies share one secret: whoever has it can speak for all of them',
            )
        )
    return [*found, *_without_effect(settings)]


def _without_effect(settings: Settings) -> Iterator[tuple[str, str]]:
    """What a strategy sets that its account does not let hold."""
    layers = Layers(settings)
    for name, strategy in settings.strategies.items():
        for account in strategy.follow:
            if not layers.risk(account, name).boards:
                yield (
                    f"账户 {account} 与策略 {name} 的 boards 没有相同的板块：它的委托全部会被拒绝",
                    f"the boards of account {account} and strategy {name} have none in common: all is refused",
                )
            for key in (key for key, rule in RULES.items() if rule is Rule.LEAST):
                own, found = getattr(strategy.risk, key), layers.risk_of(key, account, name)
                if own is not None and own > found.value:
                    yield (
                        f"策略 {name} 的 {key} = {own:f} 比账户 {account} 的 {found.value:f} 宽：以账户的为准",
                        f"{key} = {own:f} of strategy {name} has no effect: account {account} says {found.value:f}",
                    )
