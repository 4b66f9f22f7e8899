"""jqfollow 在 QMT 里的一端：整个文件粘贴到“模型研究”的新建策略，再到“模型交易”里以实盘模式运行。
只用 json、os、time，不联网，只读写信箱文件夹：in/ 请求 → 改名到 taken/ 才算接手 → 答复写进 out/；alive.json 心跳；
events.jsonl 推送；journal-*.jsonl 先落盘再下单，记过的编号永不再下。没接手的、过了时限的，绝不下单。
"""

import json
import os
import time

MAILBOX = ""  # 信箱文件夹，同 config.toml 的 mailbox
ACCOUNT = ""  # 资金账号
ACCOUNT_TYPE = "STOCK"  # "CREDIT" 信用账户：只做担保品买卖
TICK_MS = 200  # 定时器周期（毫秒）；客户端不允许这么快就改成 500
BEAT_S = 0.5  # 多久写一次心跳
ROW_WAIT_S = 4.0  # 下单后等委托出现多久；还没有就答复“结果未知”
OTHER_S = 3.0  # 别的实例心跳停了这么久，才接手信箱
VERSION = 1

FIELDS = """m_strInstrumentID m_strExchangeID m_strOrderSysID m_strRemark m_nOffsetFlag m_dLimitPrice
    m_nVolumeTotalOriginal m_nVolumeTraded m_nOrderStatus m_strInsertTime m_strCancelInfo m_strErrorMsg m_strTradeID
    m_dPrice m_nVolume m_strTradeTime m_dCommission m_nCanUseVolume m_dOpenPrice m_dLastPrice m_dAvailable
    m_dFrozenCash m_dInstrumentValue m_dBalance"""


class State:  # 放在模块里：ContextInfo 的属性会随 K 线回退
    epoch = "%d-%d" % (time.time() * 1000, os.getpid())  # 这一次运行
    ready = busy = over = False
    other, other_at, said, tick, beat_at = "", 0.0, "", 0, 0.0
    journal, claimed, subscribed = set(), set(), set()  # 记过的编号；已有主的委托编号；订阅过的代码
    waiting, answers, lists = [], {}, {}  # 下过还没见到委托的；还没写出的答复；这一拍查过的列表


def path(*names):
    return os.path.join(MAILBOX, *names)


def load(name):
    try:
        with open(name, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return None


def store(value, *names):  # 先在 tmp/ 写完整，再改名
    with open(path("tmp", names[-1]), "w", encoding="utf-8") as file:
        json.dump(value, file, default=str)
    os.replace(path("tmp", names[-1]), path(*names))


def append(value, name):  # 前面的换行隔开断电时写了一半的行
    with open(path(name), "a", encoding="utf-8") as file:
        file.write("\n" + json.dumps(value, default=str) + "\n")
        file.flush()
        os.fsync(file.fileno())


def plain(row):
    return {name: getattr(row, name) for name in FIELDS.split() if getattr(row, name, None) is not None}


def rows(kind):  # 一拍只查一次，大家共用
    if kind not in State.lists:
        State.lists[kind] = [plain(row) for row in get_trade_detail_data(ACCOUNT, ACCOUNT_TYPE, kind) or []]
    return State.lists[kind]


def answer(rid, request, outcome, **more):
    State.answers[rid] = dict(more, v=VERSION, id=rid, remark=request.get("remark", ""), outcome=outcome)


def deliver():  # 写不出（比如杀毒软件占着文件）就下一拍再写
    for rid in list(State.answers):
        try:
            store(State.answers[rid], "taken", rid + ".json")
            os.replace(path("taken", rid + ".json"), path("out", rid + ".json"))
            del State.answers[rid]
        except OSError:
            pass


def beat():
    store({"v": VERSION, "epoch": State.epoch, "tick": State.tick, "at": time.time(), "account": ACCOUNT}, "alive.json")
    State.beat_at = time.monotonic()


def owner():
    return (load(path("alive.json")) or {}).get("epoch")


def begin():  # 接手信箱：等别的实例停了，再答复它没办完的
    other = load(path("alive.json"))
    if State.other != other:
        State.other, State.other_at = other, time.monotonic()
    if os.path.exists(path("alive.json")) and time.monotonic() - State.other_at < OTHER_S:
        return
    beat()  # 先占住：别的实例在下单前会再看一眼信箱归谁
    for name in os.listdir(MAILBOX):
        if name.startswith("journal-"):
            with open(path(name), encoding="utf-8", errors="replace") as file:
                whole = [line for line in file.read().split("\n") if line[:1] + line[-1:] == "{}"]
            State.journal.update(json.loads(line)["id"] for line in whole)
    for name in os.listdir(path("taken")):
        answer(name[:-5], load(path("taken", name)) or {}, "unknown" if name[:-5] in State.journal else "not_placed")
    State.ready = True


def take(C):  # 按名称先后：c 撤单，p 下单，q 查询
    for name in sorted(os.listdir(path("in"))):
        try:
            os.rename(path("in", name), path("taken", name))
        except OSError:
            continue  # jqfollow 取回了，或者文件被占着：没接手就不办
        rid, request = name[:-5], load(path("taken", name)) or {}
        try:
            if request["v"] != VERSION or request["account"] != ACCOUNT:
                raise ValueError("版本或账号不符 / wrong version or account")
            {"c": undo, "p": place, "q": tell}[rid[0]](C, rid, request)
        except Exception as error:
            answer(rid, request, "unknown" if rid in State.journal else "not_placed", words=repr(error))


def place(C, rid, request):
    op = {"buy": 23, "sell": 24}[request["side"]] + (10 if ACCOUNT_TYPE == "CREDIT" else 0)  # 33、34 担保品
    code, remark, price, volume = request["code"], request["remark"], float(request["price"]), int(request["volume"])
    if rid in State.journal or not (0 < price < 1e6 and 0 < volume <= 10000000):
        raise ValueError("下过的编号，或数字无效 / handed over before, or wrong figures")
    if time.time() <= request["not_after"]:
        append({"id": rid, "at": time.time(), "remark": remark}, time.strftime("journal-%Y%m%d.jsonl"))
    if time.time() > request["not_after"] or owner() != State.epoch:  # 落盘也可能很慢
        raise ValueError("过了时限，或信箱已归别的实例，没有下单 / too late: not handed over")
    State.journal.add(rid)
    wait = {"id": rid, "remark": remark, "terms": (op, code[:6], price, volume), "until": time.monotonic() + ROW_WAIT_S}
    State.waiting.append(wait)
    passorder(op, 1101, ACCOUNT, code, 11, price, volume, "jqfollow", 2, remark, C)


def undo(C, rid, request):
    answer(rid, request, "ok" if cancel(request["order"], ACCOUNT, ACCOUNT_TYPE, C) else "refused")


def tell(C, rid, request):
    codes, detail = request["codes"], getattr(C, "get_instrument_detail", None) or C.get_instrumentdetail
    ticks = (C.get_full_tick(codes) or {}) if codes else {}
    for code in set(codes) - set(ticks) - State.subscribed:  # 没订阅的代码可能没有行情
        State.subscribed.add(code)
        C.subscribe_quote(code, "tick")
    details, lists = {code: detail(code) for code in codes}, {kind: rows(kind) for kind in request["lists"]}
    answer(rid, request, "ok", ticks=ticks, details=details, lists=lists)


def settle(found):  # 委托出现了：有编号是下成了，57 是废单；两样都没有就再等
    for wait in list(State.waiting):
        for row in found:
            order = row.get("m_strOrderSysID")
            ours = row.get("m_strRemark") == wait["remark"] and order not in State.claimed
            if ours and (order or row.get("m_nOrderStatus") == 57):
                State.claimed.add(order or wait["id"])
                State.waiting.remove(wait)
                answer(wait["id"], wait, "row", row=row)
                break
    deliver()


def event(kind, row):
    try:
        append({"kind": kind, "row": row}, "events.jsonl")
        if os.path.getsize(path("events.jsonl")) > 4000000:
            os.remove(path("events.jsonl"))
    except OSError:
        pass  # 不要紧：jqfollow 还会查列表
    return row


def init(C):
    C.set_account(ACCOUNT)  # 没有它就没有推送
    C.run_time("jqfollow_tick", "%dnMilliSecond" % TICK_MS, "2020-01-01 00:00:00", "SH")


def handlebar(C):
    pass


def jqfollow_tick(C):
    if State.busy or State.over:
        return  # 弹窗期间的再入；或信箱已归别的实例
    State.busy, State.lists, State.tick = True, {}, State.tick + 1
    try:
        work(C) if State.ready else begin()
    except Exception as error:
        if State.said != repr(error):
            State.said = repr(error)
            print("jqfollow: " + State.said)
    State.busy = False


def work(C):
    State.over = owner() not in (None, State.epoch)
    if State.over:
        raise ValueError("信箱归了另一个实例，这一个不再工作 / another instance has the mailbox")
    take(C)
    young = [wait for wait in State.waiting if wait["until"]]
    settle(rows("order") if young else State.lists.get("order", []))
    for wait in young:
        if wait in State.waiting and time.monotonic() > wait["until"]:
            wait["until"] = None  # 以后出现了再补答
            answer(wait["id"], wait, "unknown", words="委托没有出现 / no row appeared")
    if time.monotonic() - State.beat_at >= BEAT_S:
        beat()


def order_callback(C, order):
    settle([event("order", plain(order))])


def deal_callback(C, deal):
    event("deal", plain(deal))


def orderError_callback(C, order, message):  # 没有编号和备注：只有一笔下单对得上时才算它的
    terms = (order.opType, str(order.orderCode)[:6], order.modelPrice, order.modelVolume)
    alike = [wait["remark"] for wait in State.waiting if wait["terms"] == terms]
    row = {"m_strRemark": alike[0] if len(alike) == 1 else "", "m_nOrderStatus": 57, "m_strErrorMsg": str(message)}
    settle([event("error", row)])
