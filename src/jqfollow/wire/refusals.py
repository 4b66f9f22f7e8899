"""Why an order must not be followed for what it is, whatever the account."""

from jqfollow.domain import StrategyOrder
from jqfollow.reasons import Reason, Refusal

_KNOWN = {Reason.MARGIN, Reason.STOP_ORDER, Reason.SEED_OPEN_ORDER}


def refusal_of(told: StrategyOrder) -> Refusal | None:
    """The reason with its figures; `None`: nothing about the order itself forbids it.

    A code that a newer client gives and that is not known here forbids it all the same, like an unknown style.
    """
    if told.refuse is None:
        return None
    reason = next((known for known in _KNOWN if known == told.refuse), Reason.UNKNOWN_STYLE)
    return Refusal(
        reason=reason,
        figures={
            "jq_order_id": told.jq_order_id,
            "status": told.status,
            "stop": "?" if told.stop is None else f"{told.stop:f}",
            "style": told.style or told.refuse,
        },
    )
