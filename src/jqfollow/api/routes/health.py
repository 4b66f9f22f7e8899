"""For programs that watch: is it alive, is it ready, what are its figures."""

import asyncio

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse

from jqfollow.api.metrics import CONTENT_TYPE, StageSample, render
from jqfollow.api.parts import Given, Parts
from jqfollow.domain import JqfollowError

_LEDGER_S = 2.0
"""A watcher is not kept waiting longer."""


router = APIRouter(tags=["监控 / monitoring"])


@router.get("/healthz", summary="活着吗 / alive?")
async def healthz() -> dict[str, str]:
    """200: 服务在运行 / the service is running."""
    return {"status": "ok"}


@router.get("/readyz", summary="能交易吗 / ready?", response_class=JSONResponse)
async def readyz(parts: Given) -> JSONResponse:
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
async def metrics(parts: Given) -> PlainTextResponse:
    """Prometheus 文本格式 / text format."""
    gauges = await parts.gauges()
    return PlainTextResponse(
        render([*gauges, *parts.counters.samples(), StageSample(stages=parts.stages)]), media_type=CONTENT_TYPE
    )


async def _ledger_works(parts: Parts) -> bool:
    """Whether it can be read now, and nothing is known to be wrong with it."""
    if parts.ledger.trouble is not None or parts.ledger.commit_failed:
        return False
    try:
        async with asyncio.timeout(_LEDGER_S):
            await parts.ledger.read(lambda tx: tx.pauses.list(), urgent=True)
    except (JqfollowError, TimeoutError):
        return False
    return True
