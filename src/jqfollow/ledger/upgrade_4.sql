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
