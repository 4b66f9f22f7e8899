"""The schema, and the way to it from older ones.

`schema.sql` is the newest version. A change of it comes with a step from the version before; a step is SQL, or a
function when SQL does not say it. Steps run in one transaction, without foreign keys, which are checked at its end.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files

APPLICATION_ID = 0x4A514631
"""`JQF1`: what tells a ledger from any other SQLite file."""

Step = str | Callable[[sqlite3.Connection], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """The newest schema and the steps to it; `steps[n - 1]` leads from version `n` to `n + 1`."""

    sql: str
    steps: tuple[Step, ...] = ()

    @property
    def version(self) -> int:
        """What `PRAGMA user_version` of a ledger of this schema says."""
        return 1 + len(self.steps)

    def create(self, connection: sqlite3.Connection) -> None:
        """Writes the newest schema into an empty file, within a transaction."""
        run_step(connection, self.sql)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {self.version}")

    def upgrade(self, connection: sqlite3.Connection, version: int) -> None:
        """Takes the file from `version` to the newest, within a transaction.

        Raises:
            sqlite3.Error: it cannot; nothing stands once the transaction is rolled back.
        """
        for step in self.steps[version - 1 :]:
            run_step(connection, step)
        if broken := connection.execute("PRAGMA foreign_key_check").fetchall():
            raise sqlite3.IntegrityError(f"{len(broken)} rows name rows that are not there")
        connection.execute(f"PRAGMA user_version = {self.version}")


def run_step(connection: sqlite3.Connection, step: Step) -> None:
    """Runs a step within the transaction that stands (`executescript` would commit it)."""
    if callable(step):
        step(connection)
        return
    for statement in _statements(step):
        connection.execute(statement)


def _statements(sql: str) -> Iterator[str]:
    """The statements of `sql`; at most one ends on a line."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        yield statement


def _turnover_of_days(connection: sqlite3.Connection) -> None:
    """Sums of decimal texts, which SQL does not add exactly."""
    sums: dict[tuple[str, str], Decimal] = {}
    for account, day, volume, price in connection.execute("SELECT account, day, volume, price FROM fills"):
        sums[account, day] = sums.get((account, day), Decimal(0)) + volume * Decimal(price)
    connection.executemany(
        "UPDATE account_days SET turnover = ? WHERE account = ? AND day = ?",
        [(format(turnover, "f"), *key) for key, turnover in sums.items()],
    )


def _facts_kept(connection: sqlite3.Connection) -> None:
    run_step(connection, _text("upgrade_2.sql"))
    _turnover_of_days(connection)


def _true_to_both_ends(connection: sqlite3.Connection) -> None:
    _rebuild(connection, "orders", {"'odd_lot', 'broker')": _MORE_WAITS})
    _rebuild(
        connection,
        "signals",
        {
            "'positions', 'hello')": "'positions', 'hello', 'notice')",
            "'seed', 'manual')": "'seed', 'manual', 'repair')",
            "    CHECK (kind = 'order' OR state = 'recorded'),\n": "",
        },
    )
    run_step(connection, _text("upgrade_3.sql"))


_MORE_WAITS = """'odd_lot', 'broker',
                                                      'settle', 'feed', 'halt', 'crossing', 'next_day', 'pause')"""


def _rebuild(connection: sqlite3.Connection, table: str, changes: Mapping[str, str]) -> None:
    """The table anew with `changes` of the text of its definition: SQLite changes no `CHECK` in place."""
    (definition,) = connection.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    around = connection.execute(
        "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND (type = 'index' AND tbl_name = ?"
        " OR name = 'attempts_within_order')",
        (table,),
    ).fetchall()
    body = definition[definition.index("(") :]
    for old, new in changes.items():
        body = body.replace(old, new)
    connection.execute("DROP TRIGGER attempts_within_order")
    connection.execute(f"CREATE TABLE new_{table} {body}")
    connection.execute(f"INSERT INTO new_{table} SELECT * FROM {table}")  # noqa: S608  names of this file
    connection.execute(f"DROP TABLE {table}")
    connection.execute(f"ALTER TABLE new_{table} RENAME TO {table}")
    for (sql,) in around:
        connection.execute(sql)


def _text(name: str) -> str:
    return files("jqfollow.ledger").joinpath(name).read_text(encoding="utf-8")


SCHEMA = Schema(sql=_text("schema.sql"), steps=(_facts_kept, _true_to_both_ends, _text("upgrade_4.sql")))
