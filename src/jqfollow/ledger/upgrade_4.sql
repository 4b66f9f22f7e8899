-- From version 3 to 4.

-- What brokers call securities, by the newest word of any.
CREATE TABLE security_names (
    security TEXT PRIMARY KEY,
    name     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

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
