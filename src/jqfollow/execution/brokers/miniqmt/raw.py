"""The terminal's own numbers and remarks, kept for `jqfollow probe` alone."""

import threading
from collections import defaultdict
from collections.abc import Sequence


class RawCodes:
    """What came of each order and of the account, in its order; thread-safe."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._orders: defaultdict[str, list[int]] = defaultdict(list)
        self._remarks: dict[str, str] = {}
        self._accounts: list[int] = []

    def note(self, order_id: str, code: int, remark: str) -> None:
        """An order came with this state and remark."""
        with self._turn:
            seen = self._orders[order_id]
            if not seen or seen[-1] != code:
                seen.append(code)
            self._remarks[order_id] = remark

    def note_account(self, code: int) -> None:
        """The account's state came."""
        with self._turn:
            if code not in self._accounts:
                self._accounts.append(code)

    def of(self, order_id: str) -> Sequence[int]:
        """An order's states, as they followed each other."""
        with self._turn:
            return tuple(self._orders.get(order_id, ()))

    def remark(self, order_id: str) -> str | None:
        """What the terminal made of an order's remark; `None`: it never told of the order."""
        with self._turn:
            return self._remarks.get(order_id)

    def accounts(self) -> Sequence[int]:
        """The account's states."""
        with self._turn:
            return tuple(self._accounts)
