"""For programs that watch: is it alive, is it ready, what are its figures."""

import asyncio

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse

from jqfollow import __version__
from jqfollow.api import views
from jqfollow.api.metrics import CONTENT_TYPE, Sample, StageSample, render
from jqfollow.api.parts import Parts
from jqfollow.domain import JqfollowError
from jqfollow.ledger import Tx

_LEDGER_S = 2.0
"""A watcher is not kept waiting longer."""


def health_router(parts: Parts) -> APIRouter:
    """`/healthz` and `/readyz` need no token; `/metrics` does."""
    router = APIRouter(tags=["监控 / monitoring"])

    @router.get("/healthz", summary="活着吗 / alive?")
    async def healthz() -> dict[str, str]:
        """200: 服务在运行 / the service is running."""
        return {"status": "ok"}

    @router.get("/readyz", summary="能交易吗 / ready?", response_class=JSONResponse)
    async def readyz() -> JSONResponse:
        """200: 账本可读写、全部账户可交易；否则 503，并列出原因 / else 503, which says what is not ready."""
        accounts = [
            {"account": state.account, "ready": state.ready, "why_zh": state.why_zh, "why_en": state.why_en}
            for state in parts.intake.account_states()
        ]
        ledger = await _ledger_works(parts)
        ready = ledger and all(account["ready"] for account in accounts)
        body = {"status": "ready" if ready else "not_ready", "ledger": ledger, "accounts": accounts}
        return JSONResponse(body, 200 if ready else 503)

    @router.get("/metrics", summary="指标 / Prometheus", response_class=PlainTextResponse)
    async def metrics() -> PlainTextResponse:
        """Prometheus 文本格式 / text format."""
        gauges = await parts.ledger.read(lambda tx: _gauges(parts, tx))
        return PlainTextResponse(
            render([*gauges, *parts.counters.samples(), StageSample(stages=parts.stages)]), media_type=CONTENT_TYPE
        )

    return router


async def _ledger_works(parts: Parts) -> bool:
    """Whether it can be read now, and nothing is known to be wrong with it."""
    if parts.ledger.trouble is not None or parts.ledger.commit_failed:
        return False
    try:
        async with asyncio.timeout(_LEDGER_S):
            await parts.ledger.read(lambda tx: tx.pauses.list())
    except (JqfollowError, TimeoutError):
        return False
    return True


def _gauges(parts: Parts, tx: Tx) -> list[Sample]:
    accounts = list(parts.settings.accounts)
    states = {state.account: state for state in parts.intake.account_states()}
    unknown = views.unknown_attempts(tx)
    orders = tx.orders.open()

    def by_account(name: str, text: str, figure: dict[str, int]) -> Sample:
        values = tuple(({"account": account}, figure.get(account, 0)) for account in accounts)
        return Sample(name=name, help=text, values=values)

    ready = {name: int(state.ready) for name, state in states.items()}
    open_orders = {name: sum(order.account == name for order in orders) for name in accounts}
    uncertain = {name: sum(attempt.account == name for attempt in unknown) for name in accounts}
    return [
        Sample(name="jqfollow_info", help="The running version", values=(({"version": __version__}, 1),)),
        Sample(
            name="jqfollow_start_time_seconds",
            help="When the service started",
            values=(({}, parts.started_at.timestamp()),),
        ),
        by_account("jqfollow_account_ready", "Whether the account can trade now", ready),
        by_account("jqfollow_open_orders", "Orders that have not ended", open_orders),
        by_account("jqfollow_unknown_attempts", "Attempts whose outcome nobody knows", uncertain),
        Sample(name="jqfollow_pauses", help="Pauses that stand", values=(({}, len(tx.pauses.list())),)),
        Sample(name="jqfollow_outbox_pending", help="Messages not sent yet", values=(({}, tx.outbox.pending()),)),
    ]
