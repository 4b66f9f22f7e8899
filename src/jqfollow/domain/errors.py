"""What jqfollow raises on purpose."""


class JqfollowError(Exception):
    """Root of everything that jqfollow raises on purpose.

    JqfollowError
    ├── settings.ConfigError          the configuration cannot be used
    ├── market.UnknownSecurityError   no such code, or nothing that can be traded here
    ├── market.CalendarError          a day that the trading calendar does not cover
    ├── wire.WireError                a message that is not of the right shape, or not authentic
    ├── ledger.LedgerError            the ledger cannot be written or read
    │   └── ledger.LedgerDamagedError     … and its file is damaged
    ├── ManualOrderError              what a person asked for cannot be done
    └── BrokerError                   a broker did not do what was asked
        ├── BrokerDownError               not connected: certainly nothing was done
        └── BrokerTimeoutError            no answer in time: what was asked may still happen
    """


class BrokerError(JqfollowError):
    """A broker did not do what was asked; for a placing call the outcome is unknown."""


class BrokerDownError(BrokerError):
    """Not connected, or not asked: certainly nothing was done."""


class BrokerTimeoutError(BrokerError):
    """No answer in time: what was asked may still happen."""
