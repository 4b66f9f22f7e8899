"""`jqfollow keys`: which strategies have a key, where it is, and how to change it. A key itself is never shown."""

from datetime import timedelta

import click

from jqfollow.cli.base import (
    Exit,
    Figure,
    Group,
    fail,
    json_option,
    print_json,
    say,
    settings_option,
    table,
    words,
)
from jqfollow.cli.names import known_strategy
from jqfollow.clock import SystemClock
from jqfollow.domain import Wire
from jqfollow.marker import read_mark, refuse_lost_keys
from jqfollow.settings import Settings
from jqfollow.wire.keystore import KeyStore, KeyStoreError, StrategyKeys


class _Keys(Group):
    """`jqfollow keys` alone lists."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Puts `list` where no command is named."""
        if not {*self.commands, "-h", "--help"} & set(args):
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Keys)
def keys() -> None:
    """查看、说明、更换策略密钥（不显示密钥本身）。 / Lists, explains and rotates strategies' keys, and shows none."""


def open_keys(settings: Settings) -> KeyStore:
    """The store, with keys for all `jqf1` strategies; what people must know of it is said."""
    store = KeyStore.open(settings.keys_file)
    refuse_lost_keys(read_mark(settings.data_dir), settings.keys_file, found=bool(store.strategies()))
    store.ensure(name for name, strategy in settings.strategies.items() if strategy.wire is Wire.JQF1)
    for warning in store.warnings:
        click.secho(warning, err=True, fg="yellow")
    return store


@keys.command("list")
@json_option
@settings_option
def list_keys(*, settings: Settings, as_json: bool) -> None:
    """列出策略的密钥（不含内容）。 / Lists the strategies' keys without their content."""
    store = KeyStore.open(settings.keys_file)
    now = SystemClock().now()
    names = dict.fromkeys((*settings.strategies, *store.strategies()))
    rows = []
    for name in names:
        strategy, entry = settings.strategies.get(name), store.entry(name)
        grace = entry.previous_until if entry and entry.previous_until and entry.previous_until > now else None
        rows.append(
            {
                "strategy": name,
                "wire": str(strategy.wire) if strategy else None,
                "has_key": entry is not None,
                "made_at": entry.made_at if entry else None,
                "previous_until": grace,
            }
        )
    if as_json:
        print_json(rows)
        return
    table(
        words(f"密钥（{settings.keys_file}）", f"Keys ({settings.keys_file})"),
        words("策略,通信方式,密钥,生成于,旧密钥有效至", "strategy,wire,key,made,previous valid until").split(","),
        [
            (
                str(row["strategy"]),
                str(row["wire"] or words("（配置中已没有）", "(not configured)")),
                words("有", "yes") if row["has_key"] else words("无", "no"),
                f"{row['made_at']:%Y-%m-%d %H:%M}" if row["made_at"] else "",
                f"{row['previous_until']:%Y-%m-%d %H:%M}" if row["previous_until"] else "",
            )
            for row in rows
        ],
    )


@keys.command()
@click.argument("strategy")
@settings_option
def show(*, settings: Settings, strategy: str) -> None:
    """说明某策略的密钥在哪里。 / Says where a strategy's key is."""
    entry = _entry(settings, strategy)
    say(
        f"策略 {strategy} 的密钥生成于 {entry.made_at:%Y-%m-%d %H:%M}，在 {settings.keys_file} 的 [{strategy}] 一节。\n"
        f"这里不显示密钥：用 jqfollow client {strategy} 生成填好密钥的聚宽客户端；"
        f"怀疑泄露用 jqfollow keys rotate {strategy}。",
        f"The key of {strategy} was made on {entry.made_at:%Y-%m-%d %H:%M} and is in {settings.keys_file}, section "
        f"[{strategy}].\nIt is not shown here: jqfollow client {strategy} writes the JoinQuant client with the key in "
        f"it; if it may have leaked: jqfollow keys rotate {strategy}.",
    )


@keys.command()
@click.argument("strategy")
@click.option(
    "--grace",
    "grace_h",
    default=24.0,
    show_default=True,
    type=Figure(0, 24 * 30),
    help="旧密钥继续有效多少小时；已泄露填 0 / hours for which the old key stays valid; 0 when it leaked",
)
@settings_option
def rotate(*, settings: Settings, strategy: str, grace_h: float) -> None:
    """更换某策略的密钥；服务不必重启。 / Gives a strategy a new key; the service need not be restarted."""
    _entry(settings, strategy)
    now = SystemClock().now()
    store = KeyStore.open(settings.keys_file)
    store.rotate(strategy, grace=timedelta(hours=grace_h), now=now)
    until = now + timedelta(hours=grace_h)
    zh = f"旧密钥到 {until:%Y-%m-%d %H:%M} 仍有效" if grace_h else "旧密钥立即失效"
    en = f"the old one is valid until {until:%Y-%m-%d %H:%M}" if grace_h else "the old one is void from now on"
    say(
        f"策略 {strategy} 已换新密钥，{zh}。接着：\n"
        f"  1. jqfollow client {strategy} --force  重新生成客户端\n"
        "  2. 在聚宽里替换客户端，重启模拟交易\n"
        f"  3. jqfollow keys list  查看旧密钥的期限",
        f"{strategy} has a new key, {en}. Next:\n"
        f"  1. jqfollow client {strategy} --force  writes the client anew\n"
        "  2. replace it in JoinQuant and restart the simulation\n"
        f"  3. jqfollow keys list  shows how long the old one stays valid",
    )


def _entry(settings: Settings, strategy: str) -> StrategyKeys:
    known_strategy(settings, strategy)
    if settings.strategies[strategy].wire is not Wire.JQF1:
        fail(
            words(
                f'策略 {strategy} 用的是 wire = "seed"：它的密码在配置文件的 secret 里，没有密钥',
                f'strategy {strategy} uses wire = "seed": its password is `secret` in the configuration, it has no key',
            ),
            Exit.WRONG_USE,
        )
    entry = open_keys(settings).entry(strategy)
    if entry is None:  # the file was taken away this moment
        raise KeyStoreError(f"{settings.keys_file} 中没有 {strategy} 的密钥 / holds no key of the strategy")
    return entry
