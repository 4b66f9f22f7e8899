-- From version 1 to 2: an order keeps what held at its arrival, waiting is a value of its own, days are counted.

DROP TRIGGER attempts_within_order;
CREATE TABLE new_orders (
    order_id    INTEGER PRIMARY KEY,
    signal_id   INTEGER NOT NULL REFERENCES signals (signal_id),
    account     TEXT NOT NULL,
    strategy    TEXT NOT NULL,
    part        INTEGER NOT NULL CHECK (part >= 1),
    day         TEXT NOT NULL,                    -- the account's trading day
    security    TEXT NOT NULL,
    side        TEXT NOT NULL CHECK (side IN ('buy', 'sell')),
    sized       INTEGER NOT NULL DEFAULT 0 CHECK (sized IN (0, 1)),  -- has its volume been worked out?
    volume      INTEGER NOT NULL DEFAULT 0 CHECK (volume >= 0),
    filled      INTEGER NOT NULL DEFAULT 0,       -- the sum of its fills
    turnover    TEXT NOT NULL DEFAULT '0',        -- the sum of volume x price of its fills
    -- what holds from its arrival on, whatever the configuration says later
    amount         INTEGER NOT NULL DEFAULT 0,    -- the strategy's own
    run            TEXT NOT NULL DEFAULT '',      -- JoinQuant's run type, or 'manual'
    mode           TEXT CHECK (mode IN ('ratio', 'value', 'shares', 'equity')),  -- NULL: nobody follows with it
    figure         TEXT,
    total_value    TEXT,                          -- of the strategy, yuan
    held_before    INTEGER,                       -- what the strategy held before it
    reference      TEXT,                          -- the price that the guard measures from
    account_number TEXT NOT NULL DEFAULT '',      -- whose books it belongs to; '': of a practice account
    made_at        INTEGER NOT NULL DEFAULT 0,
    deadline       INTEGER NOT NULL DEFAULT 0,    -- a first attempt goes out before this; shared by all parts
    limit_price TEXT,                             -- never worse than this: the strategy's or a person's limit
    closes      INTEGER NOT NULL DEFAULT 0 CHECK (closes IN (0, 1)),  -- the strategy's position is zero afterwards
    state       TEXT NOT NULL CHECK (state IN ('pending_new', 'new', 'partially_filled',
                                               'filled', 'canceled', 'rejected', 'expired')),
    waiting_for TEXT CHECK (waiting_for IN ('session', 'cash', 'unknown', 'opposite', 'odd_lot', 'broker')),
    waiting_since INTEGER,
    wait_until  INTEGER,                          -- when waiting ends; NULL: when what it waits for comes
    cancel_reason TEXT,                           -- somebody wants it ended: no further attempt
    reason      TEXT,
    figures     TEXT,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    UNIQUE (signal_id, account, part),
    CHECK (waiting_for IS NULL OR state IN ('pending_new', 'new', 'partially_filled')),
    CHECK ((waiting_for IS NULL) = (waiting_since IS NULL) AND (waiting_for IS NOT NULL OR wait_until IS NULL)),
    CHECK (state NOT IN ('canceled', 'rejected', 'expired') OR reason IS NOT NULL)
) STRICT;

-- An order of version 1 did not keep how it is followed: one that is not sized yet ends with its reason.
INSERT INTO new_orders (order_id, signal_id, account, strategy, part, day, security, side, sized, volume, filled, turnover,
                        amount, run, total_value, reference, made_at, deadline, limit_price, closes, state, waiting_for,
                        waiting_since, wait_until, cancel_reason, reason, figures, created_at, updated_at)
SELECT order_id, signal_id, account, orders.strategy, part, orders.day, orders.security, orders.side, sized, volume,
       orders.filled, turnover, coalesce(amount, 0), iif(wire = 'manual', 'manual', run), total_value, price, made_at,
       made_at + 60000, orders.limit_price, closes, orders.state, waiting_for, iif(waiting_for IS NULL, NULL, updated_at),
       iif(waiting_for IS NULL, NULL, wait_until), cancel_reason, orders.reason, orders.figures, created_at, updated_at
FROM orders JOIN signals USING (signal_id);
DROP TABLE orders;
ALTER TABLE new_orders RENAME TO orders;
CREATE INDEX orders_open ON orders (account, strategy, security)
    WHERE state IN ('pending_new', 'new', 'partially_filled');
CREATE INDEX orders_by_book ON orders (account, strategy, security, order_id);
CREATE INDEX orders_by_strategy ON orders (strategy, order_id);
CREATE INDEX orders_by_day ON orders (day, account);
DROP INDEX attempts_live;
CREATE INDEX attempts_live ON attempts (account, security, side)
    WHERE state NOT IN ('filled', 'canceled', 'rejected');
CREATE INDEX attempts_missing_fills ON attempts (account, day) WHERE reported > filled;
CREATE INDEX fills_by_strategy ON fills (strategy, day);
CREATE INDEX fills_by_day ON fills (day, account);
CREATE INDEX books_by_security ON books (account, security);
CREATE TRIGGER attempts_within_order BEFORE INSERT ON attempts
WHEN NOT EXISTS (
    SELECT 1 FROM orders
    WHERE orders.order_id = NEW.order_id
      AND orders.state IN ('pending_new', 'new', 'partially_filled')
      AND (orders.account, orders.security, orders.side) = (NEW.account, NEW.security, NEW.side)
      AND NEW.volume <= orders.volume - (SELECT coalesce(sum(max(reported, filled)), 0) FROM attempts
                                         WHERE attempts.order_id = NEW.order_id)
)
BEGIN
    SELECT RAISE(ABORT, 'an attempt beyond what its open order has left');
END;

CREATE TABLE account_days (
    account  TEXT NOT NULL,
    day      TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    cancels  INTEGER NOT NULL DEFAULT 0,
    turnover TEXT NOT NULL DEFAULT '0',           -- of its fills, yuan
    PRIMARY KEY (account, day)
) STRICT, WITHOUT ROWID;

INSERT INTO account_days (account, day, attempts, cancels)
SELECT account, day, count(*), sum(cancels) FROM attempts GROUP BY account, day;

CREATE TABLE account_numbers (
    account TEXT PRIMARY KEY,
    number  TEXT NOT NULL,
    since   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
