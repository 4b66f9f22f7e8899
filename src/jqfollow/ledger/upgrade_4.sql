-- From version 3 to 4.

-- What brokers call securities, by the newest word of any.
CREATE TABLE security_names (
    security TEXT PRIMARY KEY,
    name     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
