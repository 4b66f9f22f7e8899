"""jqfollow follows the orders of a JoinQuant strategy on a brokerage account."""

__version__ = "0.1.0"
