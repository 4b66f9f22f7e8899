"""Which modules are tried, and by which tests: those that say the module's promises, the quick ones first.

The plans of statements (`tests/ledger/test_query_plans.py`) are left out on purpose: they fail for a statement that is
slow, not for one that is wrong.
"""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatch

_JOINQUANT = "tests/e2e/test_true_to_joinquant.py"
_QUESTIONS = "tests/ledger/test_questions.py"
_TABLES = "tests/ledger/test_accounting_tables.py"
_BOOKS = "tests/ledger/test_books_and_words.py"
_PEOPLE = "tests/ledger/test_tables_for_people.py"
_FILE = "tests/ledger/test_file.py"
_SMALL = "tests/ledger/test_small_tables.py"
_INVARIANTS = ("tests/ledger/test_kept.py", "tests/ledger/test_invariants.py")
_ORDERS = (
    "tests/execution/test_transitions.py",
    "tests/execution/test_how_orders_end.py",
    "tests/execution/test_contradicted.py",
    "tests/execution/test_evidence.py",
)

TESTS: Mapping[str, Sequence[str]] = {
    "execution/sizing.py": ["tests/execution/test_sizing.py", "tests/test_reasons.py"],
    "execution/pricing.py": ["tests/execution/test_pricing.py", "tests/test_reasons.py"],
    "execution/lifecycle.py": ["tests/execution/test_lifecycle.py", "tests/execution/test_evidence.py"],
    "execution/transitions.py": [*_ORDERS, "tests/execution/test_reconcile.py", "tests/test_reasons.py"],
    "execution/reconcile.py": [
        "tests/execution/test_reconcile.py", "tests/execution/test_evidence.py", "tests/e2e/test_unknown.py",
    ],
    "execution/ours.py": ["tests/execution/test_reconcile_matching.py", "tests/execution/test_evidence.py"],
    "execution/strangers.py": ["tests/execution/test_reconcile.py", "tests/e2e/test_unknown.py"],
    "execution/turns.py": ["tests/execution/test_turns.py", "tests/e2e/test_order_of_things.py"],
    "execution/purse.py": ["tests/execution/test_purse.py"],
    "execution/refusals.py": ["tests/execution/test_refusals.py"],
    "market/lots.py": ["tests/market/test_lots.py", "tests/execution/test_sizing.py"],
    "risk/*.py": ["tests/risk", "tests/test_reasons.py"],
    "wire/seed.py": ["tests/wire/test_seed.py"],
    "wire/jqf1.py": ["tests/wire/test_jqf1.py"],
    "wire/keystore.py": ["tests/wire/test_keystore.py"],
    "wire/private_file.py": ["tests/wire/test_private_file.py", "tests/wire/test_keystore.py"],
    "wire/client_file.py": ["tests/wire/test_client_file.py"],
    "wire/parts.py": ["tests/wire/test_parts.py", "tests/wire/test_messages.py"],
    "wire/messages.py": ["tests/wire/test_messages.py", "tests/wire/test_parts.py", "tests/wire/test_seed.py"],
    "wire/*.py": [
        "tests/wire/test_messages.py", "tests/wire/test_jqf1.py", "tests/wire/test_seed.py",
        "tests/api/test_signals.py",
    ],
    "ledger/orders.py": [
        _QUESTIONS, _BOOKS, "tests/ledger/test_orders.py", "tests/ledger/test_fills.py", *_INVARIANTS, *_ORDERS,
    ],
    "ledger/attempts.py": [_QUESTIONS, "tests/ledger/test_orders.py", *_INVARIANTS, *_ORDERS],
    "ledger/fills.py": [_QUESTIONS, "tests/ledger/test_fills.py", *_INVARIANTS, *_ORDERS],
    "ledger/books.py": [_PEOPLE, _TABLES, _BOOKS, _QUESTIONS, "tests/ledger/test_fills.py", *_INVARIANTS, *_ORDERS],
    "ledger/signals.py": [
        _TABLES, _BOOKS, _QUESTIONS, "tests/ledger/test_signals.py", "tests/ledger/test_orders.py", _JOINQUANT,
    ],
    "ledger/elsewhere.py": [_TABLES, _JOINQUANT],
    "ledger/processes.py": [_TABLES, _BOOKS, _JOINQUANT],
    "ledger/reports.py": [_TABLES, _BOOKS, _JOINQUANT],
    "ledger/marks.py": [_TABLES, _BOOKS, "tests/tape", "tests/costs"],
    "ledger/outbox.py": [_PEOPLE, _SMALL, "tests/notify/test_outbox.py"],
    "ledger/deliveries.py": [_TABLES, "tests/notify/test_outbox.py"],
    "ledger/changes.py": [_PEOPLE, "tests/ledger/test_changes.py"],
    "ledger/news.py": [_TABLES, "tests/test_chronicle.py"],
    "ledger/seldom.py": ["tests/ledger/test_seldom.py"],
    "ledger/readers.py": ["tests/ledger/test_writer.py"],
    "ledger/watched.py": ["tests/ledger/test_watched.py", "tests/e2e/test_ledger_watch.py"],
    "ledger/latencies.py": [_SMALL],
    "ledger/finding.py": [_PEOPLE],
    "ledger/numbers.py": [_PEOPLE],
    "ledger/deeds.py": [_PEOPLE],
    "ledger/kept_drifts.py": [_PEOPLE],
    "ledger/pauses.py": [_PEOPLE, _SMALL],
    "ledger/snapshots.py": [_PEOPLE, _SMALL],
    "ledger/holdings.py": [_TABLES],
    "ledger/corporate.py": [_TABLES],
    "ledger/decisions.py": [_TABLES, _SMALL],
    "ledger/meta.py": [_SMALL, _FILE],
    "ledger/errors.py": ["tests/ledger/test_errors.py", _FILE, "tests/ledger/test_writer_failures.py"],
    "ledger/version.py": [_FILE],
    "ledger/backups.py": [_FILE],
    "ledger/bookings.py": [_TABLES, _QUESTIONS, "tests/ledger/test_fills.py"],
    "ledger/kept.py": [_SMALL, *_INVARIANTS, "tests/ledger/test_orders.py", "tests/ledger/test_fills.py"],
    "ledger/codec.py": ["tests/ledger/test_codec.py", _SMALL, _QUESTIONS],
    "ledger/table.py": [
        _QUESTIONS, _SMALL, "tests/ledger/test_signals.py", "tests/ledger/test_orders.py", _PEOPLE, *_INVARIANTS,
    ],
    "ledger/tx.py": [_SMALL, _PEOPLE, _TABLES, "tests/ledger/test_writer.py", *_INVARIANTS],
    "ledger/rows.py": [
        _TABLES, _BOOKS, _PEOPLE, _QUESTIONS, "tests/ledger/test_orders.py", "tests/ledger/test_fills.py", *_ORDERS,
    ],
    "ledger/writer.py": [
        "tests/ledger/test_answers.py", "tests/ledger/test_writer.py", "tests/ledger/test_writer_failures.py",
    ],
    "ledger/ledger.py": ["tests/ledger/test_answers.py", "tests/ledger/test_writer.py", _FILE],
    "ledger/store.py": [_FILE, "tests/ledger/test_migrations.py"],
    "ledger/migrations.py": ["tests/ledger/test_migrations.py"],
    "ledger/*.py": [_TABLES, _PEOPLE, _SMALL, "tests/ledger/test_fills.py", *_ORDERS],
}  # fmt: skip
_NOT = ("wire/joinquant_*.py",)
"""The other end, which runs in JoinQuant, as a text that was put together: `tests/wire` runs it so."""


def tests_of(module: str) -> Sequence[str] | None:
    """The tests of a module below `src/jqfollow`; `None`: it is not tried."""
    if any(fnmatch(module, pattern) for pattern in _NOT):
        return None
    return next((tests for pattern, tests in TESTS.items() if fnmatch(module, pattern)), None)
