"""The page's one open question: what has changed?"""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from jqfollow.api import models
from jqfollow.api.changes import MOST_S, MOST_WAITING
from jqfollow.api.parts import Given
from jqfollow.api.problem import ProblemError

_At = Annotated[str, Query(max_length=40, description="上一次回答里的 at / `at` of the answer before")]
_Wait = Annotated[float, Query(ge=0, le=MOST_S, description="最多等几秒 / how long to wait, seconds")]


router = APIRouter(prefix="/api", tags=["查询 / queries"])


@router.get("/changes", summary="有什么变化 / what has changed")
async def since(parts: Given, request: Request, at: _At = "", wait_s: _Wait = MOST_S) -> models.ChangesView:
    """等到有变化再回答，只说哪些部分变了 / answers once something has changed, and names the parts."""
    if parts.changes.waiting >= MOST_WAITING:
        raise ProblemError(503, "busy", "打开的页面太多，请稍后再试", "too many pages are open", retry_after_s=2)
    seen = await parts.changes.since(at, wait_s=wait_s, gone=request.is_disconnected)
    return models.ChangesView(at=seen.at, parts=list(seen.parts))
