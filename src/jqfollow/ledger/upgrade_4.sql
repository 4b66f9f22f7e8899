-- From version 3 to 4.

-- What brokers call securities, by the newest word of any.
CREATE TABLE security_names (
    security TEXT PRIMARY KEY,
    name     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What people did: who, when, what, and of what.
CREATE TABLE deeds (
    deed_id  INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,
    who      TEXT NOT NULL CHECK (who <> ''),
    what     TEXT NOT NULL,
    strategy TEXT NOT NULL DEFAULT '',            -- '': of none, or of all
    account  TEXT NOT NULL DEFAULT '',
    detail   TEXT NOT NULL DEFAULT '',
    once     TEXT UNIQUE                          -- what is done once bears a name of its own
) STRICT;

-- The drift of each book as it was when `meta` says so (`drift_mark`): what has changed since is worked out anew.
CREATE TABLE kept_drifts (
    account  TEXT NOT NULL,
    strategy TEXT NOT NULL,
    security TEXT NOT NULL,
    row      TEXT NOT NULL,                       -- JSON; read by the program that wrote it, and by no other
    PRIMARY KEY (account, strategy, security)
) STRICT, WITHOUT ROWID;

-- What was recorded only is asked for by security, too.
DROP INDEX signals_recorded;
CREATE INDEX signals_recorded ON signals (strategy, security, made_at) WHERE kind = 'order' AND state = 'recorded';

-- What moved lately is asked for again and again, however long the history is.
CREATE INDEX fills_by_time ON fills (account, filled_at);

-- What rounding leaves over is carried to the next close of the position, whenever that is judged.
CREATE INDEX orders_closing ON orders (account, strategy, security, signal_id) WHERE closes = 1;
ALTER TABLE books ADD COLUMN carry_since INTEGER NOT NULL DEFAULT 0;
UPDATE books SET carry_since = coalesce((
    SELECT max(signal_id) FROM orders
    WHERE closes = 1 AND account = books.account AND strategy = books.strategy AND security = books.security), 0);
