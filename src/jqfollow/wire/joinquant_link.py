# -*- coding: utf-8 -*-
"""The client's way to the service: seals, sends again within a budget of time, proves the answer.

`client_file` puts the classes of `joinquant_link`, `joinquant_book`, `joinquant_teller` and `joinquant_reach` into the
one file that goes into JoinQuant: Python 3.6 and `requests` only.
"""


class _JqFollowLink:
    """Its state is class attributes: JoinQuant may pickle a strategy's globals, and a class goes by its name."""

    import base64
    import collections
    import hashlib
    import hmac
    import json
    import operator
    import os
    import re
    import struct
    import sys
    import time

    try:
        import threading
    except ImportError:  # then a server that drips its answer can hold a call beyond the budget
        threading = None

    URL = STRATEGY = KEY = ""
    RELAY_KEY = ""  # hex; of a relay, which stores what this key vouches for
    BUDGET_S = 10.0
    ATTEMPT_S = 4.0  # of the budget, for one attempt
    PAUSE_S = 0.5  # before the second attempt, then doubled
    MAX_AGE_S = 60  # an order that was not delivered in this time can no longer be followed
    MAX_ANSWER = 4096  # bytes

    now = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)

    queue = []  # of plain dicts, oldest first
    refusing = False  # whether the service has refused the last message
    failed_at = None  # monotonic, when the budget was last used up
    logger = None

    @classmethod
    def pump(cls, queue):
        """Sends what is queued, oldest first, until it is settled or the budget is used; True when nothing is left."""
        # A service that did not answer the last time is not waited for as long again: many orders may follow.
        start = cls.monotonic()
        failing = cls.failed_at is not None and start - cls.failed_at < cls.MAX_AGE_S
        deadline = start + cls.BUDGET_S / (4 if failing else 1)
        pause, why = cls.PAUSE_S, ""
        while queue:
            message = queue[0]
            if cls.has_expired(message):
                cls.give_up(queue.pop(0), "超过 %d 秒未送达" % cls.MAX_AGE_S)
                continue
            left = deadline - cls.monotonic()
            if left <= 0:
                break
            outcome, answer, wait = cls.attempt(message, left if left < cls.ATTEMPT_S else cls.ATTEMPT_S)
            if outcome == "again":
                why = answer
                wait = wait if wait > pause else pause
                if cls.monotonic() + wait >= deadline:
                    break
                cls.sleep(wait)
                pause *= 2
                continue
            queue.pop(0)
            cls.refusing = outcome == "refused"
            if cls.refusing:
                cls.give_up(message, "服务拒绝（%s）" % answer)
            else:
                cls.delivered(message, answer)
        cls.failed_at = cls.monotonic() if queue else None
        if queue:
            cls.not_delivered(queue, why)
        return not queue

    @classmethod
    def has_expired(cls, message):
        """Whether nothing can be made of it any more: what ends an order, or is no order, never expires."""
        return message["expires"] and cls.now() - message["made_at"] / 1000.0 > cls.MAX_AGE_S

    @classmethod
    def give_up(cls, message, why):
        cls.warn("%s，放弃：%s" % (why, message["label"]))

    @classmethod
    def not_delivered(cls, queue, why):
        kept = "，将随下一笔信号重发" if queue is cls.queue else ""
        labels = [message["label"] for message in queue]
        more = " 等 %d 条" % len(labels) if len(labels) > 10 else ""
        cls.warn("未送达 %s%s（%s）%s" % ("、".join(labels[:10]), more, why, kept))

    @classmethod
    def attempt(cls, message, seconds):
        """(outcome, answer or why not, seconds to wait): outcome is done, refused or again."""
        try:
            body = cls.dumps(cls.seal(message["id"], int(cls.now()), message["text"]))
        except ValueError as error:
            return "refused", "密钥不可用，请重新生成客户端文件：%s" % cls.short(error), 0
        try:
            code, retry_after, raw = cls.within(seconds, cls.post, body, seconds)
        except Exception as error:
            return "again", cls.short(error), 0
        try:
            answer = cls.json.loads(raw.decode("utf-8"))
        except (ValueError, RecursionError):
            answer = None
        answer = answer if isinstance(answer, dict) else {}
        if code == 200:
            if cls.is_proven(message["id"], answer):
                return "done", answer, 0
            return "again", "回答没有通过验证", 0
        why = "%d %s" % (code, str(answer.get("detail", ""))[:200])
        if 300 <= code < 500 and code not in (408, 429):
            return "refused", why, 0
        return "again", why, int(retry_after) if str(retry_after).isdigit() else 0

    @classmethod
    def post(cls, body, seconds):
        import requests

        until = cls.monotonic() + seconds
        response = requests.post(
            cls.URL + "/api/order",
            data=body,
            headers=cls.headers(body),
            timeout=seconds,
            allow_redirects=False,
            stream=True,
        )
        try:
            raw = b""
            for piece in response.iter_content(1):  # a larger piece would be waited for, however slowly it drips
                raw += piece
                if len(raw) > cls.MAX_ANSWER or cls.monotonic() > until:
                    raise IOError("回答过长或过慢")
            return response.status_code, response.headers.get("Retry-After"), raw
        finally:
            response.close()

    @classmethod
    def headers(cls, body):
        found = {"Content-Type": "application/json", "Connection": "close"}
        if cls.RELAY_KEY:
            found["X-Relay-Mac"] = cls.relay_mac(body)
        return found

    @classmethod
    def relay_mac(cls, data):
        key = bytes(bytearray.fromhex(cls.RELAY_KEY))
        data = data if isinstance(data, bytes) else data.encode("utf-8")
        return cls.hmac.new(key, data, cls.hashlib.sha256).hexdigest()

    @classmethod
    def is_stored(cls, message_id, answer):
        """On the relay's disk: it will not be lost, and whether a PC has it is another word by another key."""
        if not cls.RELAY_KEY or answer.get("status") != "stored":
            return False
        mac = cls.relay_mac("jqf1\n%s\nstored" % message_id)
        return cls.hmac.compare_digest(mac.encode("ascii"), str(answer.get("mac")).encode("utf-8", "replace"))

    @classmethod
    def confirmed(cls, message_id, receipt):
        """Whether a PC says by the strategy's key that the message is in its ledger."""
        if not isinstance(receipt, dict) or receipt.get("status") not in ("accepted", "duplicate"):
            return False
        data = "jqf1\n%s\n%s\n%s" % (message_id, receipt["status"], receipt.get("pc"))
        mac = cls.hmac.new(cls.sub_key("ack"), data.encode("utf-8", "replace"), cls.hashlib.sha256).hexdigest()
        return cls.hmac.compare_digest(mac.encode("ascii"), str(receipt.get("mac")).encode("utf-8", "replace"))

    @classmethod
    def stored(cls, message, answer):
        lists = [answer.get(name) if isinstance(answer.get(name), list) else [] for name in ("pcs", "receipts", "late")]
        pcs, receipts, late = lists
        has = [str(one["pc"]) for one in receipts if cls.confirmed(message["id"], one)]
        missing = [str(pc)[:32] for pc in pcs if pc not in has]
        if has:
            cls.say("已送达 %s，电脑 %s 已收到" % (message["label"], "、".join(has)))
        for one in receipts:
            cls.not_followed(message["id"], message["label"], one)
        if missing:
            cls.warn("中继已存下 %s，电脑 %s 尚未确认" % (message["label"], "、".join(missing)))
        if not pcs:
            cls.warn("中继已存下 %s，但没有电脑跟随这个策略" % message["label"])
        for one in late:
            told = str(one.get("id"))[:80] if isinstance(one, dict) else ""
            if told and cls.confirmed(told, one):
                cls.say("电脑 %s 后来收到了 %s" % (one["pc"], told))
                cls.not_followed(told, told, one)

    @classmethod
    def not_followed(cls, message_id, label, receipt):
        if cls.confirmed(message_id, receipt) and receipt.get("why"):
            cls.warn("电脑 %s 已收到但不会跟 %s：%s" % (receipt["pc"], label, str(receipt["why"])[:40]))

    @classmethod
    def within(cls, seconds, function, *args):
        """What `function` returns or raises, or IOError when it takes longer; then it is left to itself."""
        box = []

        def work():
            try:
                box.append((function(*args), None))
            except Exception as error:
                box.append((None, error))

        try:
            thread = cls.threading.Thread(target=work)
            thread.daemon = True
            thread.start()
        except Exception:  # threads are forbidden here
            work()
        else:
            thread.join(seconds)
        if not box:
            raise IOError("%.1f 秒内没有回答" % seconds)
        result, error = box[0]
        if error is not None:
            raise error
        return result

    @classmethod
    def is_proven(cls, message_id, answer):
        status = answer.get("status")
        if cls.is_stored(message_id, answer):
            return True
        if status not in ("accepted", "duplicate"):
            return False
        data = "jqf1\n%s\n%s" % (message_id, status)
        mac = cls.hmac.new(cls.sub_key("ack"), data.encode("utf-8"), cls.hashlib.sha256).hexdigest()
        return cls.hmac.compare_digest(mac.encode("ascii"), str(answer.get("mac")).encode("utf-8", "replace"))

    @classmethod
    def delivered(cls, message, answer):
        signal = str(answer.get("signal_id"))[:32]
        if answer.get("status") == "stored":
            cls.stored(message, answer)
        elif message["kind"] == "hello":
            cls.greeting(answer)
        elif answer.get("why"):
            told = str(answer.get("detail") or answer["why"])[:200]
            cls.warn("服务已收到但不会跟 %s（信号 %s）：%s" % (message["label"], signal, told))
        else:
            cls.say("已送达 %s（信号 %s）" % (message["label"], signal))

    @classmethod
    def greeting(cls, answer):
        told = [str(answer.get(name, "?"))[:40] for name in ("version", "time", "skew_s")]
        cls.say("已连接服务 %s，策略 %s，其时间 %s，本机时钟相差 %s 秒" % (told[0], cls.STRATEGY, told[1], told[2]))
        accounts = answer.get("accounts")
        if not isinstance(accounts, list):
            return
        for account in [account for account in accounts if isinstance(account, dict)]:
            name, why = str(account.get("account"))[:40], str(account.get("why"))[:200]
            if account.get("can_trade"):
                cls.say("账户 %s 跟随策略 %s，可以交易" % (name, cls.STRATEGY))
            else:
                cls.warn("账户 %s 现在不能交易：%s" % (name, why))
        if not accounts:
            cls.warn("没有账户跟随本策略：请在服务端设置 strategies.%s.follow" % cls.STRATEGY)

    # ---- jqf1: ChaCha20-Poly1305 (RFC 8439) under keys of HKDF-SHA256 (RFC 5869)

    @classmethod
    def seal(cls, message_id, ts, text):
        plain = text.encode("utf-8")
        aad = ("jqf1\n%s\n%s\n%d" % (cls.STRATEGY, message_id, ts)).encode("utf-8")
        nonce = cls.hmac.new(cls.sub_key("nonce"), aad + b"\n" + plain, cls.hashlib.sha256).digest()[:12]
        box = nonce + cls.encrypt(cls.sub_key("seal"), nonce, plain, aad)
        return cls.envelope(message_id, ts, cls.base64.b64encode(box).decode("ascii"))

    @classmethod
    def envelope(cls, message_id, ts, box):
        told = [("v", "jqf1"), ("kid", cls.STRATEGY), ("id", message_id), ("ts", ts), ("box", box)]
        return cls.collections.OrderedDict(told)

    @classmethod
    def dumps(cls, body):
        return cls.json.dumps(body, separators=(",", ":")).encode("ascii")

    @classmethod
    def sub_key(cls, name):
        secret = cls.base64.urlsafe_b64decode(cls.KEY[len("jqf1_") :] + "=")
        extracted = cls.hmac.new(b"jqf1", secret, cls.hashlib.sha256).digest()
        return cls.hmac.new(extracted, name.encode("ascii") + b"\x01", cls.hashlib.sha256).digest()

    @classmethod
    def encrypt(cls, key, nonce, plain, aad):
        """Ciphertext and tag."""
        stream = b"".join(cls.block(key, 1 + n, nonce) for n in range((len(plain) + 63) // 64))
        sealed = bytes(a ^ b for a, b in zip(plain, stream))
        lengths = cls.struct.pack("<QQ", len(aad), len(sealed))
        data = aad + b"\0" * (-len(aad) % 16) + sealed + b"\0" * (-len(sealed) % 16) + lengths
        return sealed + cls.poly1305(cls.block(key, 0, nonce)[:32], data)

    @classmethod
    def block(cls, key, counter, nonce):
        start = cls.struct.unpack("<16I", b"expand 32-byte k" + key + cls.struct.pack("<I", counter) + nonce)
        x = list(start)
        for _ in range(10):
            for n in range(8):  # four columns, then four diagonals
                turn = n // 4
                a, b, c, d = n % 4, 4 + (n + turn) % 4, 8 + (n + 2 * turn) % 4, 12 + (n + 3 * turn) % 4
                for to, by, mix, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
                    x[to] = (x[to] + x[by]) & 0xFFFFFFFF
                    mixed = x[mix] ^ x[to]
                    x[mix] = (mixed << bits | mixed >> (32 - bits)) & 0xFFFFFFFF
        return cls.struct.pack("<16I", *[(u + v) & 0xFFFFFFFF for u, v in zip(start, x)])

    @staticmethod
    def poly1305(key, data):
        r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
        total = 0
        for n in range(0, len(data), 16):
            total = (total + int.from_bytes(data[n : n + 16] + b"\x01", "little")) * r % ((1 << 130) - 5)
        return ((total + int.from_bytes(key[16:], "little")) & ((1 << 128) - 1)).to_bytes(16, "little")

    # ---- the strategy's log

    @classmethod
    def say(cls, text, level="info"):
        try:
            getattr(cls.logger, level)("[jqfollow] " + text)
        except Exception:  # no log, or one without that level
            print("[jqfollow] " + text)

    @classmethod
    def warn(cls, text):
        cls.say(text, "warn")

    @staticmethod
    def short(error):
        return ("%s: %s" % (type(error).__name__, error))[:200]
