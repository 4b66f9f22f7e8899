-- From version 2 to 3.

-- What stops buys only: a person's wish, or a day's loss; '' means all strategies, or all accounts.
CREATE TABLE pauses_of_buys (
    strategy TEXT NOT NULL DEFAULT '',
    account  TEXT NOT NULL DEFAULT '',
    since    INTEGER NOT NULL,
    PRIMARY KEY (strategy, account)
) STRICT, WITHOUT ROWID;

-- Changes of books that are no fills. None is ever changed; one that is taken back has another that undoes it.
CREATE TABLE bookings (
    booking_id INTEGER PRIMARY KEY,
    act        INTEGER NOT NULL,                  -- what was done at once shares it
    at         INTEGER NOT NULL,
    account    TEXT NOT NULL,
    strategy   TEXT NOT NULL,
    security   TEXT NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('set', 'move', 'adopt', 'hand', 'split')),
    shares     INTEGER NOT NULL,                  -- added to the book
    cost       TEXT NOT NULL,                     -- added to what it cost, yuan
    carry_buy  TEXT NOT NULL DEFAULT '0',
    carry_sell TEXT NOT NULL DEFAULT '0',
    who        TEXT NOT NULL CHECK (who <> ''),
    why        TEXT NOT NULL,
    undoes     INTEGER UNIQUE REFERENCES bookings (booking_id)
) STRICT;
CREATE INDEX bookings_by_book ON bookings (account, strategy, security);
CREATE INDEX bookings_by_act ON bookings (act);
