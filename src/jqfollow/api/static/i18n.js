// Words in both languages. Sentences about reasons come from the server.

let lang = localStorage.getItem("lang") === "en" ? "en" : "zh";

export const language = () => lang;
export function setLanguage(to) {
  lang = to;
  localStorage.setItem("lang", to);
}
export const t = (key) => WORDS[key]?.[lang === "zh" ? 0 : 1] ?? key;
export const why = (row) => (lang === "zh" ? row.why_zh : row.why_en);
export const both = (row) => (lang === "zh" ? row.zh : row.en);
// "中文 / English", as every error tells it.
export function half(detail) {
  const parts = detail.split(" / "); // English begins where no Chinese follows any more
  const last = parts.findLastIndex((part) => /[\u4e00-\u9fff]/.test(part));
  if (last < 0 || last === parts.length - 1) return detail;
  return (lang === "zh" ? parts.slice(0, last + 1) : parts.slice(last + 1)).join(" / ");
}

const WORDS = {
  skip: ["跳到主要内容", "Skip to content"], docs: ["接口", "API"], switch: ["English", "中文"],
  running: ["跟单中", "Following"], paused: ["已暂停", "Paused"], some_paused: ["部分暂停", "Partly paused"],
  lost: ["连接中断，正在重试", "Connection lost, retrying"], loading: ["载入中", "Loading"],
  pause: ["暂停跟单", "Pause"], resume: ["恢复跟单", "Resume"], resume_all: ["恢复全部", "Resume all"],
  resume_ask: ["恢复后，新信号会立即下单。", "New signals will be ordered at once."],
  pausing: ["已暂停：不下新单，已在券商的委托不受影响", "Paused: no new orders; what is at the broker stays"],
  all: ["全部", "all"], strategy: ["策略", "Strategy"], account: ["账户", "Account"],
  relay: ["中继", "Relay"], relay_up: ["已连接", "connected"], relay_down: ["未连接", "not connected"],
  relay_waiting: ["待取", "waiting"], relay_last: ["上一条", "last"], relay_clock: ["时钟快", "clock ahead"],
  ready: ["可交易", "ready"], not_ready: ["不可交易", "not ready"], real: ["实盘", "REAL"], paper: ["模拟", "paper"],
  unknown_title: ["结果未知的委托，需要人工核对", "Orders whose outcome is unknown"],
  unknown_help: ["已交给券商但没有收到回音。请先在券商客户端查看委托与成交，再点“核对”。核对之前，同账户、同代码、同方向不再下单。",
    "Handed to the broker, and no answer came. Look at the broker's own program, then settle. Until then the same account, code and side wait."],
  settle: ["核对", "Settle"], since: ["自", "since"],
  signals: ["信号", "Signals"], open: ["未完成", "Open"], fills: ["成交", "Fills"],
  today_signals: ["今日信号", "Signals today"],
  more: ["加载更早的", "Load older"], none_signals: ["还没有信号。把 jqfollow client 生成的文件放进聚宽策略，或运行 jqfollow send 试一笔。",
    "No signals yet. Put the file from jqfollow client into your strategy, or try jqfollow send."],
  none_open: ["没有未完成的订单", "No open orders"], none_fills: ["还没有成交", "No fills yet"],
  none_positions: ["没有持仓", "No positions"], none_match: ["没有符合筛选的记录", "Nothing matches"],
  time: ["时间", "Time"], security: ["证券", "Security"], side: ["方向", "Side"], volume: ["数量", "Volume"],
  price: ["价格", "Price"], state: ["状态", "State"], fee: ["费用", "Fee"], order: ["订单", "Order"],
  buy: ["买入", "Buy"], sell: ["卖出", "Sell"], filled_of: ["成交", "filled"], avg: ["均价", "avg"],
  accounts: ["账户", "Accounts"], positions: ["持仓", "Positions"], manual: ["手动下单", "Manual order"],
  cash: ["可用", "Cash"], frozen: ["冻结", "Frozen"], value: ["市值", "Value"], total: ["总资产", "Total"],
  snapshot: ["快照", "snapshot"], no_snapshot: ["还没有资金快照", "No snapshot yet"], attempts: ["今日委托", "Placed"], cancels: ["撤单", "Canceled"],
  turnover: ["成交额", "Turnover"], cost: ["成本", "Cost"], last: ["现价", "Last"], profit: ["盈亏", "P/L"],
  available: ["可卖", "Sellable"], outside: ["不属于任何策略", "of no strategy"], held: ["账户持有", "Held"],
  security_hint: ["如 000001.XSHE 或 600519.SH", "000001.XSHE or 600519.SH"], limit_hint: ["不填：按配置定价", "empty: as configured"],
  limit: ["限价", "Limit"], place: ["下单", "Place"], confirm_title: ["确认下单", "Place this order?"],
  confirm_real: ["这是实盘账户。请输入资金账号确认：", "This is a real account. Type its account id:"],
  cancel: ["撤单", "Cancel order"], cancel_ask: ["撤销这个订单，不再追单？", "Cancel this order, with no further attempt?"],
  share_of_account: ["占账户", "of the account"], yuan_unit: ["元", "yuan"], no_price_now: ["现在没有行情，金额未知", "No quote now: the amount is not known"],
  back: ["返回", "Back"], ok: ["确定", "OK"], close: ["关闭", "Close"], done: ["已提交", "Done"],
  detail: ["订单详情", "Order"], history: ["经过", "History"], checks: ["风控检查", "Checks"],
  tries: ["委托", "Attempts"], signal_of: ["信号", "Signal"], passed: ["通过", "pass"], attempt_no: ["第 {n} 次", "attempt {n}"],
  not_sized: ["数量待定", "to be sized"], message: ["券商回复", "Broker says"], waits: ["等待", "waits for"],
  not_placed: ["券商没有这笔委托", "The broker does not hold it"], placed: ["券商有这笔委托", "The broker holds it"],
  ended: ["委托已结束（成交或撤单）", "It is over (filled or canceled)"], broker_id: ["券商委托编号", "Broker's order number"],
  filled_volume: ["成交数量（没有填 0）", "Filled volume (0: none)"], avg_price: ["成交均价", "Average price"],
  settle_warn: ["填错会造成重复下单或漏单，请以券商客户端为准。", "A wrong answer means a double or a missing order: trust the broker's program."],
  stages: ["从信号到达起的用时", "Time since the signal arrived"], stage_opened: ["解密验证", "opened"], stage_committed: ["落盘", "on the disk"],
  stage_acknowledged: ["已应答", "acknowledged"], stage_known: ["读账本", "looked up"], stage_sized: ["行情与数量", "sized"], stage_judged: ["定价与风控", "judged"],
  stage_intended: ["意图落盘", "intended"], stage_called: ["调用券商", "broker called"], stage_answered: ["券商答复", "answered"], stage_filled: ["首笔成交", "first fill"],
  hello: ["策略启动", "Strategy started"], positions_msg: ["盘后持仓", "Positions report"], backtest: ["回测", "backtest"],
  jq: ["聚宽", "JoinQuant"], manual_wire: ["手动", "manual"],
  // drift, repairs and books
  drift: ["偏差", "Drift"], none_drift: ["没有偏差", "No drift"], target: ["目标", "Target"], book: ["持仓", "Book"],
  working: ["在途", "Working"], drift_shares: ["偏差", "Drift"], yuan: ["金额", "Yuan"], causes: ["原因", "Causes"],
  report_of: ["持仓报告", "report of"], no_report: ["没有持仓报告，目标只凭信号", "no report: signals alone tell the target"], expected_on: ["预计", "expected"],
  order_since: ["之后又有委托", "an order came since"], minutes: ["分钟", "min"], hours: ["小时", "h"], days: ["天", "days"], ago: ["前", " ago"],
  repair: ["补单", "Repair"], plan: ["计划", "Plan"], good_until: ["有效到", "good until"], carry_out: ["执行", "Carry out"],
  off_book: ["先从账上减去", "first off the book:"], sells_bring: ["卖出约得", "sells bring"], buys_need: ["买入约需", "buys need"],
  word_unexplained: ["已核对：原因不明的也补", "I have looked: close what nothing explains, too"],
  word_zero: ["已核对：报告为零、没有卖出信号的也卖", "I have looked: sell what the report shows as zero without a sell signal"],
  nothing_to_repair: ["没有可下的委托", "Nothing can be ordered"], adopt: ["认领", "Adopt"], who: ["谁", "Who"], why_so: ["为什么", "Why"],
  change_book: ["改账", "Change book"], book_set: ["设为这么多股", "Set to so many shares"], book_move: ["移到另一个策略", "Move to another strategy"],
  giver: ["从策略", "From"], taker: ["到策略", "To"], book_checked: ["与券商持仓和其他策略的账核对后才写入，可撤销。", "Checked against the broker and the other books; can be undone."],
  acts: ["改账记录", "Changes of books"], none_acts: ["没有改过账", "No book was changed"], undo: ["撤销", "Undo"], undone: ["已撤销", "undone"],
  act_set: ["设定", "set"], act_move: ["移动", "moved"], act_adopt: ["认领", "adopted"], act_hand: ["券商端卖出", "sold at the broker"],
  act_split: ["送转拆分", "split"], act_dividend: ["分红", "dividend"],
  // states of orders and attempts
  pending_new: ["待报", "Pending"], new: ["已报", "Working"], partially_filled: ["部成", "Partly filled"],
  filled: ["已成", "Filled"], canceled: ["已撤", "Canceled"], rejected: ["已拒", "Refused"], expired: ["已过期", "Expired"],
  pending_cancel: ["撤单中", "Canceling"], unknown: ["结果未知", "Unknown"], at_rejected: ["废单", "Rejected"],
  under_way: ["处理中", "Under way"], followed: ["已跟", "Followed"], partly: ["部分", "Partly"], not_followed: ["未跟", "Not followed"],
  wait_session: ["等开市", "For the session"], wait_cash: ["等资金", "For cash"], wait_unknown: ["等核对", "To be settled"],
  wait_settle: ["等柜台", "For the counter"], wait_feed: ["等行情", "For quotes"], wait_halt: ["等复牌", "Halted"],
  wait_crossing: ["防对敲", "Crossing"], wait_next_day: ["等下一交易日", "For the next day"], wait_pause: ["等恢复", "Paused"],
  wait_opposite: ["等先撤", "For opposite orders"], wait_odd_lot: ["零股等待", "Odd lot"], wait_broker: ["等券商", "For the broker"],
  outcome_place: ["下单", "Placed"], outcome_wait: ["等待", "Wait"], outcome_refuse: ["拒绝", "Refused"],
  // an order's history
  accepted: ["券商受理", "accepted"], refused: ["券商拒绝", "refused"], not_sent: ["未发出", "not sent"],
  no_answer: ["没有回音", "no answer"], restarted: ["程序重启", "restarted"], reported_new: ["已报", "reported"],
  reported_partially_filled: ["部分成交", "partly filled"], reported_filled: ["全部成交", "filled"],
  reported_pending_cancel: ["撤单中", "canceling"], reported_canceled: ["已撤", "canceled"],
  reported_rejected: ["废单", "rejected"], cancel_asked: ["请求撤单", "cancel asked"], cancel_failed: ["撤单被拒", "cancel refused"],
  absent: ["确认不存在", "proved absent"], day_ended: ["收盘", "day ended"], day_lost: ["跨日", "day lost"],
  // rules
  stale: ["时效", "age"], late: ["来晚", "late"], replayed: ["重复", "repeat"], not_traded: ["状态", "status"], no_amount: ["数量", "amount"],
  short_side: ["多空", "side"], not_trading_day: ["交易日", "day"],
  outside_hours: ["时段", "hours"], day_over: ["收盘", "day over"], unknown_security: ["代码", "code"],
  board_not_allowed: ["板块", "board"], blocked: ["禁止名单", "blocked list"], suspended: ["停牌", "suspension"],
  below_lot: ["最小单位", "lot"], odd_volume: ["交易单位", "lots"], no_total_value: ["总资产", "total value"],
  nothing_to_sell: ["可卖持仓", "book"], not_sellable_today: ["T+1", "T+1"],
  no_quote: ["行情", "quote"], limit_up: ["涨停", "limit up"], limit_down: ["跌停", "limit down"],
  price_drift: ["偏离", "drift"], price_cage: ["价格笼子", "cage"], price_limit: ["涨跌停价", "day's limit"], no_cash: ["资金", "cash"],
  max_order_value: ["单笔上限", "order value"], max_position_ratio: ["持仓比例", "position ratio"],
  max_daily_orders: ["日委托数", "daily orders"], max_daily_turnover: ["日成交额", "daily turnover"],
  max_cancels: ["撤单次数", "cancels"], rate: ["频率", "rate"], broker_down: ["券商连接", "connection"],
  broker_refused: ["券商", "broker"], attempts_exhausted: ["尝试次数", "attempts"], unknown_outcome: ["未知结果", "unknown"],
  restored: ["账本倒退", "restored"], account_gone: ["账户", "account"], margin: ["融资融券", "margin"], stop_order: ["止损单", "stop"],
  unknown_style: ["下单方式", "style"], seed_open_order: ["原版挂单", "open order"],
  held_already: ["之前多买", "held already"], old_quote: ["行情时间", "quote's age"], counter_lags: ["柜台", "counter"],
  capital: ["策略资金", "capital"], own_crossing: ["对敲", "crossing"], closed_out: ["已清仓", "closed out"],
  canceled_by_user: ["人工撤单", "canceled by hand"], canceled_by_strategy: ["策略撤单", "by the strategy"], canceled_at_broker: ["券商撤单", "at the broker"],
  opposite_open: ["先撤再卖", "opposite"], internal_error: ["程序", "internal"],
};
