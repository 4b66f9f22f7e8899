// The wizard: shown while no strategy of one's own is configured, and a way to begin anew when the files say something new.

import { byId, h } from "./dom.js";
import { half, language } from "./i18n.js";
import { Refused, get, post } from "./server.js";

const CODE = "511880.XSHG"; // a money fund: bought and sold the same day, so that nothing of the trial is left
const VOLUME = 100;
const BEYOND = { buy: 1.002, sell: 0.998 }; // meets the other side at once
const LOOK_MS = 400;
const PATIENCE_MS = 60000;

const w = (zh, en) => (language() === "zh" ? zh : en);
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const tell = (error) => (error instanceof Error ? half(error.message) : String(error));

function frame(...inside) {
  byId("setup")?.remove();
  const box = h("section", { id: "setup", "aria-labelledby": "setup-title" }, ...inside);
  byId("main").before(box);
  return box;
}

const field = (label, input, hint) =>
  h("label", { class: "field" }, h("span", {}, label), input, hint ? h("span", { class: "hint" }, hint) : null);

function form(now) {
  const alert = h("p", { role: "alert" });
  const broker = (value, text) =>
    h("label", {}, h("input", { type: "radio", name: "broker", value, checked: now.broker === value }), h("span", {}, text));
  const input = (name, value, more = {}) => h("input", { name, value, required: true, spellcheck: "false", ...more });
  const real = h("fieldset", {},
    field(w("QMT 的文件夹（完整版 QMT 填信箱）", "QMT's folder (of the full terminal: the mailbox)"),
      input("folder", now.folder, { list: "setup-found" }), w("MiniQMT 的 userdata_mini", "MiniQMT's userdata_mini")),
    h("datalist", { id: "setup-found" }, now.found.map((path) => h("option", { value: path }))),
    field(w("资金账号", "Account number"), input("account_id", now.account_id, { maxlength: "32" })),
  );
  const robot = h("input", { name: "robot", spellcheck: "false", autocomplete: "off",
    placeholder: now.robots ? w(`已有 ${now.robots} 个，不填则不变`, `${now.robots} set: empty keeps them`) : w("可不填", "may be left out") });
  const tried = h("span", { role: "status" });
  const body = h("form", { autocomplete: "off" },
    h("fieldset", {}, h("span", {}, w("1 在哪里下单", "1 Where orders are placed")), h("div", { class: "choices" },
      broker("paper", w("模拟盘", "paper")), broker("qmt", w("MiniQMT 实盘", "MiniQMT, real")), broker("fullqmt", w("完整版 QMT 实盘", "full QMT, real")))),
    field(w("2 账户的名字", "2 The account's name"), input("account", now.account, { maxlength: "64" })),
    real,
    field(w("3 策略名（英文、数字、. _ -）", "3 The strategy's name"), input("strategy", now.strategy, { maxlength: "64" })),
    field(w("4 跟单比例", "4 Ratio"), input("ratio", now.ratio, { inputmode: "decimal" }), w("0.5：策略股数的一半", "0.5: half of its shares")),
    field(w("5 企业微信群机器人的 key", "5 Key of a WeCom group robot"), robot),
    h("div", { class: "buttons" },
      h("button", { class: "primary" }, w("写入并重启", "Write and restart")),
      h("button", { type: "button", class: "quiet", onclick: () => tryRobot(robot.value.trim(), tried) }, w("试发企业微信", "Try WeCom")), tried),
    alert,
  );
  const chosen = () => new FormData(body).get("broker");
  const fit = () => {
    const paper = chosen() === "paper";
    real.hidden = paper;
    real.disabled = paper;
    const name = body.elements.account;
    if (["paper", "main", ""].includes(name.value)) name.value = paper ? "paper" : "main";
    const ratio = body.elements.ratio;
    if (["1", "0.1"].includes(ratio.value)) ratio.value = paper ? "1" : "0.1"; // with real money one begins small
  };
  body.onchange = fit;
  body.onsubmit = async (event) => {
    event.preventDefault();
    const data = Object.fromEntries(new FormData(body));
    const answers = { broker: data.broker, account: data.account, strategy: data.strategy, ratio: data.ratio };
    if (data.broker !== "paper") Object.assign(answers, { folder: data.folder, account_id: data.account_id });
    if (data.robot.trim()) answers.robot = data.robot;
    body.inert = true;
    alert.textContent = "";
    try {
      const { file } = await post("/api/setup", answers);
      await after(data.strategy.trim(), file);
    } catch (error) {
      if (!body.isConnected) throw error;
      alert.textContent = tell(error);
      body.inert = false;
    }
  };
  frame(h("h2", { id: "setup-title" }, w("开始：五个问题", "Begin: five questions")),
    h("p", { class: "hint" }, w(`写进 ${now.file}；也可以用命令 jqfollow setup。`, `Written to ${now.file}; the command jqfollow setup does the same.`)), body);
  fit();
}

async function tryRobot(robot, tried) {
  tried.textContent = robot ? "…" : w("先填 key", "type its key first");
  if (!robot) return;
  try {
    await post("/api/setup/robot", { robot });
    tried.textContent = w("✓ 已试发，看看群里", "✓ sent: look at the group");
  } catch (error) {
    tried.textContent = `✗ ${tell(error)}`;
  }
}

// What is done after the write; each step is told as it ends.
async function after(strategy, file) {
  const steps = h("ol", { "aria-live": "polite" });
  const note = (zh, en) => steps.append(h("li", {}, w(zh, en)));
  frame(h("h2", { id: "setup-title" }, w("正在设置", "Setting up")), steps);
  try {
    note(`✓ 已写入 ${file}`, `✓ written: ${file}`);
    await restart();
    note("✓ 服务已按新配置重启", "✓ the service began anew");
    const client = await post("/api/setup/client", { strategy });
    note(`✓ 客户端文件 ${client.file}（内含密钥，不要外传）：全部复制，粘贴到聚宽策略的最上方`,
      `✓ client file ${client.file}; it holds the key: paste all of it above the strategy's code in JoinQuant`);
    const { paper } = await get("/api/setup");
    if (paper) await firstOrder(strategy, paper, note);
    byId("setup-title").textContent = w("设置好了", "It is set up");
  } catch (error) {
    note(`✗ ${tell(error)}`, `✗ ${tell(error)}`);
    byId("setup-title").textContent = w("没有全部完成", "Not all of it was done");
  }
  steps.after(h("div", { class: "buttons" }, h("button", { type: "button", class: "primary", onclick: () => location.reload() }, w("到控制台", "To the dashboard"))));
}

// Waits until another start answers.
async function restart() {
  const before = (await get("/api/status")).started_at;
  await post("/api/setup/restart");
  for (const end = performance.now() + PATIENCE_MS; performance.now() < end; ) {
    await pause(LOOK_MS);
    try {
      if ((await get("/api/status")).started_at !== before) return;
    } catch (error) {
      if (error instanceof Refused && error.status < 500) throw error;
    }
  }
  throw new Error("服务没有重新启动 / the service did not begin anew");
}

async function firstOrder(strategy, account, note) {
  for (const side of ["buy", "sell"]) {
    const { last } = await get(`/api/preview?${new URLSearchParams({ account, security: CODE })}`);
    const price = last === null ? null : (Number(last) * BEYOND[side]).toFixed(3);
    const [placed] = await post("/api/orders", { strategy, account, security: CODE, side, volume: VOLUME, price });
    const order = await ended(placed.order_id);
    const zh = side === "buy" ? "买入" : "卖出";
    if (order.state !== "filled") throw new Error(`${zh}没有成交：${order.why_zh || order.state} / ${side}: ${order.why_en || order.state}`);
    note(`✓ 模拟账户 ${account} ${zh} ${order.filled} 份 ${CODE} 成交，均价 ${order.avg_price}`,
      `✓ paper account ${account}: ${side} ${order.filled} of ${CODE} filled at ${order.avg_price}`);
  }
}

async function ended(id) {
  for (const end = performance.now() + PATIENCE_MS; ; ) {
    const { order } = await get(`/api/orders/${id}`);
    if (!order.open || performance.now() > end) return order;
    await pause(LOOK_MS);
  }
}

function due(now) {
  const told = h("span", { role: "alert" });
  const begin = async (event) => {
    event.target.disabled = true;
    try {
      await restart();
      location.reload();
    } catch (error) {
      told.textContent = tell(error);
      event.target.disabled = false;
    }
  };
  frame(h("h2", { id: "setup-title" }, w("配置已改，重启生效", "The configuration has changed: a restart is due")),
    h("p", { class: "hint" }, now.file), h("div", { class: "buttons" }, h("button", { type: "button", class: "primary", onclick: begin }, w("重启服务", "Restart")), told));
}

async function begin() {
  const now = await get("/api/setup").catch(() => null); // the page's head tells that the service is lost
  if (now?.pending) due(now);
  else if (now?.wanted) form(now);
}

document.head.append(h("link", { rel: "stylesheet", href: "/static/setup.css" }));
await begin();
