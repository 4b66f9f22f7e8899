"""Drifts of thousands of books as JSON, soon: `accounting_models.DriftView`, written without a model for each."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from jqfollow.drift.causes import Drift, Line
from jqfollow.drift.reading import Key
from jqfollow.drift.words import CAUSES_ZH
from jqfollow.reasons import IN_SHORT

_CENT = Decimal("0.01")


def drifts_json(rows: Sequence[Drift], prices: Mapping[Key, Decimal]) -> bytes:
    """The answer of `/api/drift`; `prices`: yuan a share, where one is known."""
    return msgspec.json.encode([_row(row, prices.get((row.account, row.strategy, row.security))) for row in rows])


def _row(row: Drift, price: Decimal | None) -> dict[str, object]:
    drift = row.drift
    return {
        "account": row.account,
        "strategy": row.strategy,
        "security": row.security,
        "target": row.target,
        "book": row.book,
        "missing": row.missing,
        "working": row.working,
        "drift": drift,
        "yuan": None if drift is None or price is None else (drift * price).quantize(_CENT),
        "before": row.before,
        "reported_at": row.reported_at,
        "causes": [_cause(line) for line in row.lines],
    }


def _cause(line: Line) -> dict[str, object]:
    why_zh, why_en = ("", "") if line.reason is None else IN_SHORT[line.reason]
    return {
        "cause": line.cause,
        "zh": CAUSES_ZH[line.cause],
        "shares": line.shares,
        "signal_id": line.signal_id,
        "order_id": line.order_id,
        "reason": line.reason,
        "why_zh": why_zh,
        "why_en": why_en,
        "day": line.day,
    }
