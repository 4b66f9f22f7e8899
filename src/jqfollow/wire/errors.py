"""What can be wrong with a message, in words that may be shown to whoever sent it."""

from typing import ClassVar

from jqfollow.domain import JqfollowError


class WireError(JqfollowError):
    """A message that cannot be used.

    WireError
    ├── MalformedError       not of the right shape: 400
    └── NotAuthenticError    sealed with no key known here, or changed on its way: 401

    `zh` and `en` are for people and repeat nothing of the message's values.
    """

    status: ClassVar[int]
    """The HTTP status that answers it."""
    code: ClassVar[str]
    """`error` of the answer."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en

    @property
    def detail(self) -> str:
        """Both sentences, for the answer's `detail`."""
        return f"{self.zh} / {self.en}"


class MalformedError(WireError):
    """Not of the right shape; sent again it will be no better."""

    status = 400
    code = "malformed"


class NotAuthenticError(WireError):
    """Not sealed with a key known here. Always the same words, whatever the reason."""

    status = 401
    code = "not_authentic"

    def __init__(self) -> None:
        super().__init__(
            "消息未通过验证：请核对策略名、密钥与双方时钟",
            "the message is not authentic: check strategy, key and both clocks",
        )


class KeyTextError(JqfollowError, ValueError):
    """A key's text that is no key; the words never repeat it."""
