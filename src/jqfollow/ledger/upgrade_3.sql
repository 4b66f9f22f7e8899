-- From version 2 to 3.

-- What stops buys only: a person's wish, or a day's loss; '' means all strategies, or all accounts.
CREATE TABLE pauses_of_buys (
    strategy TEXT NOT NULL DEFAULT '',
    account  TEXT NOT NULL DEFAULT '',
    since    INTEGER NOT NULL,
    PRIMARY KEY (strategy, account)
) STRICT, WITHOUT ROWID;

-- What the strategy itself holds, live and in backtests apart.
ALTER TABLE strategy_positions RENAME TO old_strategy_positions;
CREATE TABLE strategy_positions (
    strategy   TEXT NOT NULL,
    live       INTEGER NOT NULL CHECK (live IN (0, 1)),  -- 0: of a backtest, which says nothing of what is live
    security   TEXT NOT NULL,
    amount     INTEGER NOT NULL,                  -- what rests counted as if it were filled
    updated_at INTEGER NOT NULL,                  -- of the message that told, by JoinQuant's clock
    PRIMARY KEY (strategy, live, security)
) STRICT, WITHOUT ROWID;
INSERT INTO strategy_positions (strategy, live, security, amount, updated_at)
    SELECT strategy, 1, security, amount, updated_at FROM old_strategy_positions;
DROP TABLE old_strategy_positions;

-- How an order stands at JoinQuant, by the newest word of its strategy about it; of live runs only.
CREATE TABLE jq_orders (
    strategy    TEXT NOT NULL,
    jq_order_id TEXT NOT NULL,
    day         TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('resting', 'filled', 'ended')),
    filled      INTEGER NOT NULL CHECK (filled >= 0),
    signal_id   INTEGER REFERENCES signals (signal_id),  -- the one that was followed; NULL: none was
    told_at     INTEGER NOT NULL,                 -- when it was made, by JoinQuant's clock
    PRIMARY KEY (strategy, jq_order_id, day)
) STRICT, WITHOUT ROWID;
CREATE INDEX jq_orders_by_signal ON jq_orders (signal_id) WHERE signal_id IS NOT NULL;
INSERT INTO jq_orders (strategy, jq_order_id, day, state, filled, signal_id, told_at)
    SELECT strategy, jq_order_id, day, 'resting', coalesce(filled, 0), signal_id, made_at FROM signals
    WHERE kind = 'order' AND state = 'followed' AND run = 'sim_trade'
      AND status IN ('new', 'open', 'filled', 'pending_cancel')
      AND EXISTS (SELECT 1 FROM orders WHERE orders.signal_id = signals.signal_id
                  AND orders.state IN ('pending_new', 'new', 'partially_filled'));

-- By how much an account's position is off since an order ended otherwise at JoinQuant than here.
CREATE TABLE differences (
    signal_id INTEGER NOT NULL REFERENCES signals (signal_id),
    account   TEXT NOT NULL,
    strategy  TEXT NOT NULL,
    security  TEXT NOT NULL,
    cause     TEXT NOT NULL CHECK (cause IN ('filled_elsewhere')),
    elsewhere INTEGER NOT NULL,                   -- what JoinQuant filled of it in the end
    shares    TEXT,                               -- above zero: the account holds too little; NULL: ours has not ended
    at        INTEGER NOT NULL,
    PRIMARY KEY (signal_id, account)
) STRICT, WITHOUT ROWID;
CREATE INDEX differences_by_book ON differences (account, strategy, security);

-- The JoinQuant processes that spoke, and how far their messages were numbered.
CREATE TABLE processes (
    strategy TEXT NOT NULL,
    process  TEXT NOT NULL,
    first_at INTEGER NOT NULL,                    -- when its first message was made, by JoinQuant's clock
    last_at  INTEGER NOT NULL,
    top      INTEGER NOT NULL,                    -- the greatest number that arrived
    PRIMARY KEY (strategy, process)
) STRICT, WITHOUT ROWID;

-- Numbers of messages that have not arrived.
CREATE TABLE gaps (
    strategy TEXT NOT NULL,
    process  TEXT NOT NULL,
    first    INTEGER NOT NULL,
    last     INTEGER NOT NULL CHECK (last >= first),
    before   INTEGER,                             -- when the message before them was made; NULL: none came before
    after    INTEGER NOT NULL,                    -- when the message behind them was made
    since    INTEGER NOT NULL,                    -- when they were found missing, by this machine's clock
    told     INTEGER NOT NULL DEFAULT 0 CHECK (told IN (0, 1)),
    PRIMARY KEY (strategy, process, first)
) STRICT, WITHOUT ROWID;
CREATE INDEX gaps_untold ON gaps (since) WHERE told = 0;

-- All that a strategy held at one moment, as it said itself; whole when as many parts are there as it has.
CREATE TABLE reports (
    report_id   INTEGER PRIMARY KEY,
    strategy    TEXT NOT NULL,
    report      TEXT NOT NULL,
    parts       INTEGER NOT NULL CHECK (parts >= 1),
    day         TEXT,                             -- JoinQuant's
    session     TEXT CHECK (session IN ('open', 'close')),
    cash        TEXT,
    total_value TEXT,
    made_at     INTEGER NOT NULL,
    whole       INTEGER NOT NULL DEFAULT 0 CHECK (whole IN (0, 1)),
    UNIQUE (strategy, report)
) STRICT;
CREATE INDEX reports_whole ON reports (strategy, made_at) WHERE whole = 1;

CREATE TABLE report_parts (
    report_id INTEGER NOT NULL REFERENCES reports (report_id),
    part      INTEGER NOT NULL CHECK (part >= 1),
    PRIMARY KEY (report_id, part)
) STRICT, WITHOUT ROWID;

CREATE TABLE report_holdings (
    report_id    INTEGER NOT NULL REFERENCES reports (report_id),
    security     TEXT NOT NULL,
    held         INTEGER NOT NULL,                -- those locked by resting sells included
    closeable    INTEGER NOT NULL,
    locked       INTEGER NOT NULL DEFAULT 0,
    resting_buy  INTEGER NOT NULL DEFAULT 0,
    resting_sell INTEGER NOT NULL DEFAULT 0,
    avg_cost     TEXT,
    price        TEXT,
    PRIMARY KEY (report_id, security)
) STRICT, WITHOUT ROWID;

-- How far after its message's arrival each stage of an order was over, microseconds; NULL: not, or not measured.
-- Measured in memory and kept once a second: what a kill loses of it is no fact about an order.
CREATE TABLE order_stages (
    order_id     INTEGER PRIMARY KEY REFERENCES orders (order_id),
    received_at  INTEGER NOT NULL,
    opened       INTEGER,
    committed    INTEGER,
    acknowledged INTEGER,
    known        INTEGER,
    sized        INTEGER,
    judged       INTEGER,
    intended     INTEGER,
    called       INTEGER,
    answered     INTEGER,
    filled       INTEGER
) STRICT;

-- Changes of books that are no fills. None is ever changed; one that is taken back has another that undoes it.
CREATE TABLE bookings (
    booking_id INTEGER PRIMARY KEY,
    act        INTEGER NOT NULL,                  -- what was done at once shares it
    at         INTEGER NOT NULL,
    account    TEXT NOT NULL,
    strategy   TEXT NOT NULL,
    security   TEXT NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('set', 'move', 'adopt', 'hand', 'split', 'dividend')),
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
CREATE INDEX signals_recorded ON signals (strategy, made_at) WHERE kind = 'order' AND state = 'recorded';

-- Corporate actions that concern an account: what one share becomes on the ex day, and whether the broker shows it.
CREATE TABLE corporate_actions (
    account    TEXT NOT NULL,
    security   TEXT NOT NULL,
    day        TEXT NOT NULL,                     -- the ex day
    factor     TEXT NOT NULL,                     -- what one share becomes
    cash       TEXT NOT NULL,                     -- yuan a share, before tax
    held       INTEGER NOT NULL,                  -- by the broker, the evening before
    arrives    TEXT NOT NULL,                     -- the day on which its shares can be traded as a rule
    state      TEXT NOT NULL CHECK (state IN ('expected', 'booked', 'asked')),
    act        INTEGER,                           -- the bookings that followed it
    source     TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (account, security, day)
) STRICT, WITHOUT ROWID;

-- When a strategy's message told that earlier ones will never come.
CREATE TABLE lost_messages (
    strategy TEXT NOT NULL,
    at       INTEGER NOT NULL,                    -- when it was made, by JoinQuant's clock
    PRIMARY KEY (strategy, at)
) STRICT, WITHOUT ROWID;

-- What an account holds beyond its books, by security, as of the last comparison with its broker.
CREATE TABLE own_lines (
    account  TEXT NOT NULL,
    security TEXT NOT NULL,
    volume   INTEGER NOT NULL,                    -- negative: the broker holds less than the books
    by_hand  INTEGER NOT NULL DEFAULT 0,          -- of people's own orders of `day`, until then
    day      TEXT NOT NULL,
    PRIMARY KEY (account, security)
) STRICT, WITHOUT ROWID;

-- When the broker's positions were compared with the books.
CREATE TABLE holding_checks (
    account TEXT NOT NULL,
    day     TEXT NOT NULL,
    session TEXT NOT NULL CHECK (session IN ('open', 'close')),
    at      INTEGER NOT NULL,
    PRIMARY KEY (account, day, session)
) STRICT, WITHOUT ROWID;

-- What an account held when its newest day began: what can be sold beyond it was bought that day.
CREATE TABLE opening_holdings (
    account  TEXT NOT NULL,
    day      TEXT NOT NULL,
    security TEXT NOT NULL,
    volume   INTEGER NOT NULL,
    PRIMARY KEY (account, day, security)
) STRICT, WITHOUT ROWID;

-- Prices around an order: when its signal arrived, and the close of its day.
CREATE TABLE order_marks (
    order_id INTEGER PRIMARY KEY REFERENCES orders (order_id),
    arrival  TEXT,
    close    TEXT
) STRICT;

-- How far a strategy's books in an account were off, yuan, by the last look of the day.
CREATE TABLE drift_days (
    day      TEXT NOT NULL,
    account  TEXT NOT NULL,
    strategy TEXT NOT NULL,
    missing  TEXT NOT NULL,
    excess   TEXT NOT NULL,
    PRIMARY KEY (day, account, strategy)
) STRICT, WITHOUT ROWID;

-- What brought money: asked before each buy.
CREATE INDEX orders_sold ON orders (account, strategy, day, updated_at) WHERE side = 'sell' AND filled > 0;
