"""What happened, on disk."""

from jqfollow.ledger.errors import ConflictError, LedgerDamagedError, LedgerError, LedgerLockedError
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.tx import Tx

__all__ = ["ConflictError", "Ledger", "LedgerDamagedError", "LedgerError", "LedgerLockedError", "Tx"]
