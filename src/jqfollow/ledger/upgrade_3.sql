-- From version 2 to 3.

-- What stops buys only: a person's wish, or a day's loss; '' means all strategies, or all accounts.
CREATE TABLE pauses_of_buys (
    strategy TEXT NOT NULL DEFAULT '',
    account  TEXT NOT NULL DEFAULT '',
    since    INTEGER NOT NULL,
    PRIMARY KEY (strategy, account)
) STRICT, WITHOUT ROWID;
