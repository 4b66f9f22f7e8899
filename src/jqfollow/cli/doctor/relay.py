"""The doctor asks the relay that this PC has joined: reachable, known there, what waits, what time it has there."""

import asyncio
from collections.abc import Sequence

from jqfollow.cli.doctor.findings import Finding, Surroundings, bad, ok, warn
from jqfollow.relay.errors import RelayError
from jqfollow.relay.state import CLOCKS_S, RelayState, Trouble
from jqfollow.relay.ticket import Ticket, read_ticket

_CONNECT_S = 8.0
_NAME = "relay"


def relay(around: Surroundings) -> Sequence[Finding]:
    """Nothing where no relay was joined."""
    try:
        ticket = read_ticket(around.settings.data_dir)
        if ticket is None:
            zh, en = "没有加入中继：电脑关机时的信号会丢", "no relay was joined: signals are lost while this PC is off"
            return [ok(_NAME, f"{zh}（见 docs/relay.md）", f"{en} (docs/relay.md)")]
        from jqfollow.relay.pc import load_ticket

        load_ticket(around.settings)
    except ModuleNotFoundError as error:
        zh, en = f"已加入中继，但缺少 {error.name}", f"a relay was joined, and {error.name} is missing"
        return [bad(_NAME, zh, en, 'pip install "jqfollow[relay]"', 'pip install "jqfollow[relay]"')]
    except RelayError as error:
        return [bad(_NAME, str(error), str(error), "重新导入凭据", "join anew")]
    return [*_followed(around, ticket), *_asked(around, ticket)]


def _followed(around: Surroundings, ticket: Ticket) -> Sequence[Finding]:
    """What the relay sends here and nobody here follows."""
    lost = sorted(set(ticket.strategies) - set(around.settings.strategies))
    if not lost:
        return []
    zh, en = f"中继会送来策略 {'、'.join(lost)}，而这里没有配置", f"the relay sends {lost}, not configured here"
    return [warn(_NAME, zh, en, "在配置里加 [strategies.名称]", "add [strategies.NAME]")]


def _asked(around: Surroundings, ticket: Ticket) -> Sequence[Finding]:
    try:
        state = asyncio.run(_look(around, ticket))
    except Exception as error:  # noqa: BLE001 - whatever the network, TLS or the engine makes of it
        what = Trouble.REVOKED if "authorization" in str(error).lower() else Trouble.CONNECTING
        if what is Trouble.REVOKED:
            remedy = "在服务器上 jqfollow relay pc 重写凭据，再 jqfollow relay join", "write the file again, and join"
        else:
            remedy = (
                "看服务器是否开机、jqfollow relay 是否在运行、防火墙/安全组是否放行",
                "is the server up, does jqfollow relay run there, is its port open?",
            )
        zh, en = f"连不上中继 {ticket.url}（{what}）：{error}", f"{ticket.url} cannot be used ({what}): {error}"
        return [bad(_NAME, zh, en, *remedy)]
    found = [
        ok(
            _NAME,
            f"中继 {ticket.url} 通，待取 {state.waiting} 条，时钟相差 {state.ahead_s:.1f} 秒",
            f"{ticket.url} answers, {state.waiting} messages wait, its clock is {state.ahead_s:.1f} s ahead",
        )
    ]
    if abs(state.ahead_s) > CLOCKS_S:
        notice = state.notices()[-1]
        found.append(warn(_NAME, notice.zh, notice.en, "校准两边的时钟", "set both clocks"))
    return found


async def _look(around: Surroundings, ticket: Ticket) -> RelayState:
    from jqfollow.relay.connect import connect, trusting
    from jqfollow.relay.pc import look

    state = RelayState(since=around.clock.now(), trouble=None)
    async with asyncio.timeout(_CONNECT_S):
        trust = trusting(ticket.certificate)
        connection = await connect(ticket.url, ticket.seed, ticket.pc, trust, lost=lambda: None)
        try:
            await look(connection, ticket, around.clock, state)
        finally:
            await connection.close()
    return state
