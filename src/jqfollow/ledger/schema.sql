-- The ledger, version 4. Times are milliseconds since 1970-01-01 UTC, days are ISO dates of the exchange,
-- money and prices are decimal texts (yuan), securities are QMT symbols. Impossible states are forbidden here;
-- facts that a broker reports are never forbidden: they must be recordable whatever they say.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One message of a strategy. The id is remembered in the same transaction as the message.
CREATE TABLE signals (
    signal_id      INTEGER PRIMARY KEY,           -- the order of arrival
    strategy       TEXT NOT NULL,
    wire           TEXT NOT NULL CHECK (wire IN ('jqf1', 'seed', 'manual', 'repair')),
    message_id     TEXT NOT NULL,                 -- jqf1: id; seed: signature
    digest         TEXT NOT NULL,                 -- SHA-256 of the text: a known id with another text is a conflict
    kind           TEXT NOT NULL CHECK (kind IN ('order', 'positions', 'hello', 'notice')),
    run            TEXT NOT NULL,
    text           TEXT NOT NULL,                 -- as it was sealed, without secrets
    made_at        INTEGER NOT NULL,
    received_at    INTEGER NOT NULL,
    -- what an order message says; NULL for the other kinds
    jq_order_id    TEXT,
    security       TEXT,
    side           TEXT CHECK (side IN ('buy', 'sell')),
    amount         INTEGER,
    filled         INTEGER,
    price          TEXT,
    limit_price    TEXT,
    status         TEXT,
    position_side  TEXT,
    day            TEXT,                          -- the order's day in JoinQuant
    position_after INTEGER,
    total_value    TEXT,
    -- what became of it
    state          TEXT NOT NULL CHECK (state IN ('received', 'followed', 'recorded')),
    reason         TEXT,
    figures        TEXT,                          -- JSON object of the reason's figures
    UNIQUE (strategy, message_id),
    CHECK (kind <> 'order' OR (jq_order_id IS NOT NULL AND security IS NOT NULL AND side IS NOT NULL
                               AND amount IS NOT NULL AND status IS NOT NULL AND day IS NOT NULL)),
    CHECK (kind <> 'order' OR state <> 'recorded' OR reason IS NOT NULL)  -- not followed: then with a reason
) STRICT;
CREATE INDEX signals_received ON signals (signal_id) WHERE state = 'received';
CREATE INDEX signals_by_jq_order ON signals (strategy, jq_order_id) WHERE kind = 'order';
CREATE INDEX signals_by_day ON signals (strategy, day) WHERE kind = 'order';
CREATE INDEX signals_of_positions ON signals (strategy, signal_id) WHERE kind = 'positions';
CREATE INDEX signals_by_time ON signals (received_at);
-- A JoinQuant order is followed once, however many messages tell of it. A backtest may be played again.
CREATE UNIQUE INDEX signals_followed_once ON signals (strategy, jq_order_id, day)
    WHERE kind = 'order' AND state = 'followed' AND run = 'sim_trade';

-- What one account shall do because of one signal; a volume over the exchange's maximum makes several parts.
CREATE TABLE orders (
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
    waiting_for TEXT CHECK (waiting_for IN ('session', 'cash', 'unknown', 'opposite', 'odd_lot', 'broker',
                                                      'settle', 'feed', 'halt', 'crossing', 'next_day', 'pause')),
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
CREATE INDEX orders_open ON orders (account, strategy, security)
    WHERE state IN ('pending_new', 'new', 'partially_filled');
CREATE INDEX orders_by_book ON orders (account, strategy, security, order_id);
CREATE INDEX orders_closing ON orders (account, strategy, security, signal_id) WHERE closes = 1;
CREATE INDEX orders_by_strategy ON orders (strategy, order_id);
CREATE INDEX orders_by_day ON orders (day, account);

-- One order as placed at the broker.
CREATE TABLE attempts (
    attempt_id      INTEGER PRIMARY KEY,
    order_id        INTEGER NOT NULL REFERENCES orders (order_id),
    number          INTEGER NOT NULL CHECK (number >= 1),
    account         TEXT NOT NULL,
    day             TEXT NOT NULL,
    security        TEXT NOT NULL,
    side            TEXT NOT NULL CHECK (side IN ('buy', 'sell')),
    volume          INTEGER NOT NULL CHECK (volume > 0),
    price           TEXT NOT NULL,
    remark          TEXT NOT NULL UNIQUE CHECK (length(remark) BETWEEN 1 AND 24),
    broker_order_id TEXT,
    state           TEXT NOT NULL CHECK (state IN ('pending_new', 'new', 'partially_filled', 'pending_cancel',
                                                   'filled', 'canceled', 'rejected', 'unknown')),
    reported        INTEGER NOT NULL DEFAULT 0,   -- filled, as the broker's order reports say
    filled          INTEGER NOT NULL DEFAULT 0,   -- filled, as the sum of its fills
    message         TEXT NOT NULL DEFAULT '',     -- the broker's words
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    cancel_at       INTEGER,                      -- when a cancel was last asked for
    cancels         INTEGER NOT NULL DEFAULT 0 CHECK (cancels >= 0),
    ended_at        INTEGER,
    UNIQUE (order_id, number),
    CHECK ((ended_at IS NOT NULL) = (state IN ('filled', 'canceled', 'rejected')))
) STRICT;
-- At most one attempt of an order is live.
CREATE UNIQUE INDEX attempts_one_live ON attempts (order_id)
    WHERE state NOT IN ('filled', 'canceled', 'rejected');
-- A broker's order belongs to one attempt.
CREATE UNIQUE INDEX attempts_broker_key ON attempts (account, day, broker_order_id)
    WHERE broker_order_id IS NOT NULL;
CREATE INDEX attempts_live ON attempts (account, security, side)
    WHERE state NOT IN ('filled', 'canceled', 'rejected');
-- The broker says that more is filled than its fills have told.
CREATE INDEX attempts_missing_fills ON attempts (account, day) WHERE reported > filled;
CREATE INDEX attempts_by_day ON attempts (account, day);
-- Nothing is placed for an order that has ended, for another account, security or side, or beyond its volume.
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

-- One execution that the broker reported; a repeated push is one row.
CREATE TABLE fills (
    fill_id         INTEGER PRIMARY KEY,
    attempt_id      INTEGER NOT NULL REFERENCES attempts (attempt_id),
    account         TEXT NOT NULL,
    strategy        TEXT NOT NULL,
    day             TEXT NOT NULL,
    broker_order_id TEXT NOT NULL,
    traded_id       TEXT NOT NULL,
    security        TEXT NOT NULL,
    side            TEXT NOT NULL CHECK (side IN ('buy', 'sell')),
    volume          INTEGER NOT NULL CHECK (volume > 0),
    price           TEXT NOT NULL,
    fee             TEXT NOT NULL DEFAULT '0',
    filled_at       INTEGER NOT NULL,
    UNIQUE (account, day, broker_order_id, traded_id)
) STRICT;
CREATE INDEX fills_by_attempt ON fills (attempt_id);
CREATE INDEX fills_by_book ON fills (account, strategy, security, day);
CREATE INDEX fills_by_strategy ON fills (strategy, day);
CREATE INDEX fills_by_day ON fills (day, account);
CREATE INDEX fills_by_time ON fills (account, filled_at);

-- What one account did on one day, counted as it happened: its attempts are not counted anew for each order.
CREATE TABLE account_days (
    account  TEXT NOT NULL,
    day      TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    cancels  INTEGER NOT NULL DEFAULT 0,
    turnover TEXT NOT NULL DEFAULT '0',           -- of its fills, yuan
    PRIMARY KEY (account, day)
) STRICT, WITHOUT ROWID;

-- The number behind an account's name: a book belongs to the number, and another number trades nothing of it
-- until a person decides.
CREATE TABLE account_numbers (
    account TEXT PRIMARY KEY,
    number  TEXT NOT NULL,
    since   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The position that one strategy holds in one account, and what rounding left over.
CREATE TABLE books (
    account    TEXT NOT NULL,
    strategy   TEXT NOT NULL,
    security   TEXT NOT NULL,
    volume     INTEGER NOT NULL DEFAULT 0,
    cost       TEXT NOT NULL DEFAULT '0',         -- what the volume held was paid for, fees included
    carry_buy  TEXT NOT NULL DEFAULT '0',
    carry_sell TEXT NOT NULL DEFAULT '0',
    carry_since INTEGER NOT NULL DEFAULT 0,       -- the signal of the close after which it is carried; 0: of none
    PRIMARY KEY (account, strategy, security)
) STRICT, WITHOUT ROWID;
CREATE INDEX books_by_security ON books (account, security);

-- What the strategy itself holds, as far as its signals tell.
CREATE TABLE strategy_positions (
    strategy   TEXT NOT NULL,
    live       INTEGER NOT NULL CHECK (live IN (0, 1)),  -- 0: of a backtest, which says nothing of what is live
    security   TEXT NOT NULL,
    amount     INTEGER NOT NULL,                  -- what rests counted as if it were filled
    updated_at INTEGER NOT NULL,                  -- of the message that told, by JoinQuant's clock
    PRIMARY KEY (strategy, live, security)
) STRICT, WITHOUT ROWID;

-- Why an order was or was not placed: every rule's verdict.
CREATE TABLE decisions (
    decision_id INTEGER PRIMARY KEY,
    order_id    INTEGER NOT NULL REFERENCES orders (order_id),
    attempt     INTEGER NOT NULL,                 -- the number of the attempt that it was about
    made_at     INTEGER NOT NULL,
    outcome     TEXT NOT NULL CHECK (outcome IN ('place', 'wait', 'refuse')),
    reason      TEXT,
    verdicts    TEXT NOT NULL                     -- JSON array
) STRICT;
CREATE INDEX decisions_by_order ON decisions (order_id);

-- An order's history.
CREATE TABLE events (
    event_id   INTEGER PRIMARY KEY,
    order_id   INTEGER NOT NULL REFERENCES orders (order_id),
    attempt_id INTEGER REFERENCES attempts (attempt_id),
    at         INTEGER NOT NULL,
    event      TEXT NOT NULL,
    before     TEXT NOT NULL,
    after      TEXT NOT NULL,
    detail     TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX events_by_order ON events (order_id);

-- What people are to be told.
CREATE TABLE outbox (
    outbox_id  INTEGER PRIMARY KEY,
    created_at INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    text       TEXT NOT NULL,
    unique_key TEXT UNIQUE,                       -- at most one message of this key is ever written
    state      TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sent', 'failed', 'dropped')),
    tries      INTEGER NOT NULL DEFAULT 0,
    next_at    INTEGER NOT NULL,
    sent_at    INTEGER,
    error      TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX outbox_pending ON outbox (next_at) WHERE state = 'pending';

-- Which robot is done with which message. One that fails makes another neither wait nor tell a thing twice.
CREATE TABLE deliveries (
    outbox_id INTEGER NOT NULL REFERENCES outbox (outbox_id),
    robot     TEXT NOT NULL,
    at        INTEGER NOT NULL,
    error     TEXT NOT NULL DEFAULT '',           -- '': delivered; else why it was given up
    PRIMARY KEY (outbox_id, robot)
) STRICT, WITHOUT ROWID;

-- What a person paused; '' means all strategies, or all accounts.
CREATE TABLE pauses (
    strategy TEXT NOT NULL DEFAULT '',
    account  TEXT NOT NULL DEFAULT '',
    since    INTEGER NOT NULL,
    PRIMARY KEY (strategy, account)
) STRICT, WITHOUT ROWID;

-- Accounts as the broker showed them.
CREATE TABLE account_snapshots (
    account      TEXT NOT NULL,
    day          TEXT NOT NULL,
    taken_at     INTEGER NOT NULL,
    cash         TEXT NOT NULL,
    frozen       TEXT NOT NULL,
    market_value TEXT NOT NULL,
    total        TEXT NOT NULL,
    PRIMARY KEY (account, day, taken_at)
) STRICT, WITHOUT ROWID;
CREATE INDEX account_snapshots_by_time ON account_snapshots (account, taken_at);

CREATE TABLE position_snapshots (
    account   TEXT NOT NULL,
    day       TEXT NOT NULL,
    taken_at  INTEGER NOT NULL,
    security  TEXT NOT NULL,
    volume    INTEGER NOT NULL,
    available INTEGER NOT NULL,
    avg_cost  TEXT NOT NULL,
    last      TEXT,
    PRIMARY KEY (account, day, taken_at, security)
) STRICT, WITHOUT ROWID;

-- What stops buys only: a person's wish, or a day's loss; '' means all strategies, or all accounts.
CREATE TABLE pauses_of_buys (
    strategy TEXT NOT NULL DEFAULT '',
    account  TEXT NOT NULL DEFAULT '',
    since    INTEGER NOT NULL,
    PRIMARY KEY (strategy, account)
) STRICT, WITHOUT ROWID;

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
CREATE INDEX signals_recorded ON signals (strategy, security, made_at) WHERE kind = 'order' AND state = 'recorded';

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
