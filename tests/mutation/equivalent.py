"""Mutants that do what the program does, each with the reason why no test can tell them apart."""

from collections.abc import Mapping

EQUIVALENT: Mapping[str, str] = {
    "execution/reconcile.py: …roker_order_id for a in todays if a.broker_order_id} -> …roker_order_id for a in todays}"
    " | taken = {a.broker_order_id for a in todays if a.broker_order_id}": "no report's id is `None`",
    "execution/reconcile.py: attempt.state is AttemptState.UNKNOWN and attempt.broker_order_id is Non…"
    " -> attempt.broker_order_id is Non…"
    " | unknown = attempt.state is AttemptState.UNKNOWN and attempt.broker_order_id is None": (
        "of those without an id only the unknown ones are live and not being handed over, and these stay by the table"
    ),
    "execution/reconcile.py: attempt.ended_at is not None and moment.now - attempt.ended_at …"
    " -> moment.now - attempt.ended_at …"
    " | late = attempt.ended_at is not None and moment.now - attempt.ended_at > OUT_OF_ORDER": (
        "asked only of what has ended, which the types do not know"
    ),
    "execution/strangers.py: ours.named(remark) or tx.attempts.by_remark(remark) -> tx.attempts.by_remark(remark)"
    " | attempt = ours.named(remark) or tx.attempts.by_remark(remark)": "only a question more",
    "execution/reconcile.py: known is report or known == report -> known == report"
    " | if known is report or known == report:": "only slower",
    'ledger/orders.py: f""" SELECT coalesce(sum(CASE WHEN side = "buy" THEN filled END), 0) AS bought, co'
    'alesce(sum(CASE WHEN side = "buy" THEN 0 WHEN sized = 1 AND {_OPEN} THEN volume ELSE filled END), 0)'
    " AS sold, coalesce(max(closes = 1 AND sized = 1), 0) AS sold_out FROM orders WHERE account = ? AND s"
    'trategy = ? AND security = ? AND order_id > ? AND signal_id > ?""" -> f"\\nSELECT coalesce(sum(CASE W'
    'HEN side = "buy" THEN filled END), 0) AS bought,\\n coalesce(sum(CASE WHEN side = "buy" THEN 0 WHEN s'
    "ized = 1 AND {_OPEN} THEN volume ELSE filled END), 0) AS sold,\\n coalesce(max(closes = 1 AND sized ="
    " 1), 0) AS sold_out\\nFROM orders WHERE account = ? AND strategy = ? AND security = ? AND order_id >="
    ' ? AND signal_id > ?" | _LATER = f"""': "the order itself is of no later signal",
    'ledger/table.py: raise LedgerError(f"{table}: no row was written") -> pass': (
        "an INSERT that raises nothing has a row; the types do not know"
    ),
    "market/lots.py: … - (most - odd) % rule.minimum if 0 < odd <= most else 0 -> … - (most - odd) % rule.minimum"
    " | with_odd = most - (most - odd) % rule.minimum if 0 < odd <= most else 0": "never more than `whole` then",
    "market/lots.py: holding if holding < rule.remainder_below else 0 -> holding"
    " | return holding if holding < rule.remainder_below else 0": "a whole holding is `whole`, too",
    "market/lots.py: holding < rule.remainder_below -> holding <= rule.remainder_below"
    " | return holding if holding < rule.remainder_below else 0": "a whole holding is `whole`, too",
    "wire/seed.py: len(data) // len(key) -> len(data) * len(key)"
    " | stream = (key * (len(data) // len(key) + 1))[: len(data)]": "longer than it is cut to",
    "wire/seed.py: 1 -> 2 | stream = (key * (len(data) // len(key) + 1))[: len(data)]": "longer than it is cut to",
    "execution/reconcile.py: [fill for fill in lists.fills if fill.broker_order_id not in kept] -> [fill "
    "for fill in lists.fills] | return kept, replace(lists, orders=news, fills=[fill for fill in lists.fi"
    "lls if fill.broker_order_id not in kept])": "only slower: a fill that stands already is not added again",
    "execution/transitions.py: …mpts.by_remark(remark.strip()) if remark.strip() else None -> …mpts.by_re"
    "mark(remark.strip()) | named = tx.attempts.by_remark(remark.strip()) if remark.strip() else None": (
        "only a question more: no attempt is without a remark"
    ),
    "market/lots.py: volume >= MOST -> volume > MOST | return MOST if volume >= MOST else int(volume)": (
        "MOST either way"
    ),
    "execution/strangers.py: continue -> pass | continue  # the same number had another name when it was placed": (
        "nothing follows in the loop"
    ),
    "execution/strangers.py: continue -> pass | continue  # a refusal that was told under another number "
    "than its row's: both say no": "nothing follows in the loop",
    "execution/ours.py: … a in self._by_remark.values() if a.key is not None} -> … a in self._by_remark.v"
    "alues()} | self._by_key = {a.key: a for a in self._by_remark.values() if a.key is not None}": (
        "every order has a key"
    ),
    "execution/strangers.py: attempt.state in ATTEMPT_LIVE and attempt.broker_order_id not in… -> attempt"
    ".broker_order_id not in… | if attempt.state in ATTEMPT_LIVE and attempt.broker_order_id not in ids:": (
        "what has ended stays as it is, by the table"
    ),
    "market/lots.py: 2025 -> 4050 | _SINCE = date(2025, 1, 1)": "the first row stands for all days before it",
    "market/lots.py: 1 -> 2 | _SINCE = date(2025, 1, 1) #2": "the first row stands for all days before it",
    "market/lots.py: 1 -> 2 | _SINCE = date(2025, 1, 1)": "the first row stands for all days before it",
    "market/lots.py: 0 < odd <= most -> 0 <= odd <= most | with_odd = most - (most - odd) % rule.minimum "
    "if 0 < odd <= most else 0": "never more than `whole` then",
    "market/lots.py: rest - part < rule.minimum -> rest - part <= rule.minimum | if rest - part < rule.mi"
    "nimum:  # never leave for the last order less than an order may hold": "the same part either way",
    "wire/messages.py: Wire.MANUAL -> Wire.REPAIR | case Wire.MANUAL | Wire.REPAIR:": (
        "what no case takes is `None`, too, which the types do not know"
    ),
    "wire/messages.py: Wire.REPAIR -> Wire.SEED | case Wire.MANUAL | Wire.REPAIR:": (
        "what no case takes is `None`, too, which the types do not know"
    ),
    "wire/keystore.py: self._stamp = self._stamp_now() -> pass": "only slower: the file is read again",
    "market/lots.py: volume <= 0 -> volume < 0 | if volume <= 0:": "0 either way",
    "ledger/store.py: True -> False | file_uri(path, mode), uri=True, timeout=busy_timeout_s, isolation_l"
    "evel=None, check_same_thread=not any_thread": "this SQLite takes every name for a URI; that of Windows does not",
    'ledger/store.py: "1" if "WITHOUT ROWID" in str(sql).upper() else "rowid" -> "1" | key = "1" if "WITH'
    'OUT ROWID" in str(sql).upper() else "rowid"': "only slower: the whole table is read",
    "ledger/orders.py: columns.keys() <= _TOLD -> columns.keys() < _TOLD | if known is None or not column"
    "s.keys() <= _TOLD:": "no change is of every column",
    'ledger/attempts.py: { "attempt_id": attempt_id, "order_id": attempt.order_id, "number": attempt.numb'
    'er, "account": stored(attempt.account), "day": day_text(attempt.day), "security": stored(attempt.sec'
    'urity), "side": stored(attempt.side), "volume": attempt.volume, "price": stored(attempt.price), "rem'
    'ark": remark, "state": stored(AttemptState.PENDING_NEW), "created_at": now, "updated_at": now, } -> '
    '{"order_id": attempt.order_id, "number": attempt.number, "account": stored(attempt.account), "day": '
    'day_text(attempt.day), "security": stored(attempt.security), "side": stored(attempt.side), "volume":'
    ' attempt.volume, "price": stored(attempt.price), "remark": remark, "state": stored(AttemptState.PEND'
    'ING_NEW), "created_at": now, "updated_at": now}': "SQLite gives the same number",
    "ledger/books.py: left > 0 -> left >= 0 | return left, (cost * left / volume).quantize(_CENT_OF_CENT)"
    " if left > 0 else Decimal(0)": "a share of nothing is nothing",
    "ledger/books.py: held > 0 -> held >= 0 | return held, (paid * held / report.volume).quantize(_CENT_O"
    "F_CENT) if held > 0 else Decimal(0)": "a share of nothing is nothing",
    'ledger/watched.py: os.O_RDONLY | getattr(os, "O_BINARY", 0) -> os.O_RDONLY & getattr(os, "O_BINARY",'
    ' 0) | self._file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))': "both are 0 on POSIX",
    "ledger/watched.py: 1 -> 2 | file, self._file = self._file, -1": "no file either",
    "ledger/watched.py: 0 -> 1 | found, size = None, 0": "what is gone has moved, whatever its size",
    "ledger/watched.py: self._size = 0 -> pass": "read only once the file was seen",
    "ledger/watched.py: 0 -> 1 | self._size = 0": "read only once the file was seen",
    "ledger/seldom.py: 1 -> 2 | self._commits = -1": "no count of commits either",
    "ledger/signals.py: _RECORDED if security is None else _RECORDED_OF -> _RECORDED | sql = _RECORDED if"
    " security is None else _RECORDED_OF": "only slower: the statement with its own word finds the index",
    "ledger/processes.py: origin.seq <= top -> origin.seq < top | elif origin.seq <= top:": (
        "the newest number is in no gap"
    ),
    'ledger/changes.py: """ SELECT (SELECT max(signal_id) FROM signals), (SELECT count(*) FROM signals WH'
    'ERE state = "received")""" -> "\\nSELECT (SELECT max(signal_id) FROM signals), (SELECT count(*) FROM '
    'signals WHERE state <> "received")" | _SIGNALS = """': "what leaves one count enters the other",
    'ledger/changes.py: """ SELECT (SELECT max(fill_id) FROM fills), (SELECT max(booking_id) FROM booking'
    's), (SELECT max(report_id) FROM reports), (SELECT count(*) FROM reports WHERE whole = 1)""" -> "\\nSE'
    "LECT (SELECT max(fill_id) FROM fills), (SELECT max(booking_id) FROM bookings),\\n (SELECT max(report_"
    'id) FROM reports), (SELECT count(*) FROM reports WHERE whole <> 1)" | _BOOKS = """': (
        "what leaves one count enters the other"
    ),
    'ledger/numbers.py: …unt FROM books WHERE account >= ? AND account < ?" -> …unt FROM books WHERE acco'
    'unt > ? AND account < ?" | _AWAY = "SELECT DISTINCT account FROM books WHERE account >= ? AND accoun'
    't < ?"': "a bare name holds no moment",
    "ledger/version.py: 0 -> 1 | self._opened = 0": "it has to differ, and no more",
    "ledger/version.py: self._opened += 1 -> self._opened -= 1": "it has to differ, and no more",
    "ledger/version.py: 1 -> 2 | self._opened += 1": "it has to differ, and no more",
    "ledger/seldom.py: self._looks + 1 -> self._looks - 1 | commits, self._looks = self._ledger.commits, "
    "self._looks + 1": "every third either way",
    "ledger/seldom.py: 1 -> 2 | commits, self._looks = self._ledger.commits, self._looks + 1": (
        "every third either way"
    ),
}
"""By the mutant's name, as `--list` prints it."""
