"""What can be wrong with a relay.

JqfollowError
└── RelayError          the message says what is wrong and what to do
"""

from jqfollow.domain import JqfollowError


class RelayError(JqfollowError):
    """The relay, or a PC of it, cannot go on like this."""
