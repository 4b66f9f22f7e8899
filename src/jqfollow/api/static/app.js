// The dashboard: waits for the service to tell what has changed, and draws that.

import { byId, clock, day, draw, forget, h, shanghai } from "./dom.js";
import { half, language, setLanguage, t } from "./i18n.js";
import { changes, get, post } from "./server.js";
import { fillsPanel, openPanel, signalsPanel, tiles } from "./flow.js";
import { accountCards, chips, notices, positionRows, unknownRows } from "./panels.js";
import { driftPanel, loadDrift, strayRows } from "./drift.js";
import { askFirst, orderDialog, settleDialog } from "./dialogs.js";
import { manualForm } from "./manual.js";
import { select } from "./parts.js";

const AGAIN_MS = 1000;
const HIDDEN_MS = 15000;
const PAGE = 100;
const MOST = 500;
const TABS = ["signals", "open", "fills", "drift"];
const state = { tab: "signals", filter: { strategy: "", account: "" }, limit: PAGE, data: null, failures: 0 };
let asking = false;
let again = false;

const show = (id) => orderDialog(id, refresh);
const settle = (attempt, order) => settleDialog(attempt, order, refresh);
const resume = (scope) =>
  askFirst(t("resume"), t("resume_ask"), async () => {
    await post("/api/resume", scope);
    refresh();
  }, { label: t("resume") });

async function load() {
  const [status, signals, open, fills, positions, drift] = await Promise.all([
    get("/api/status"),
    get(`/api/signals?limit=${state.limit}`),
    get("/api/orders/open"),
    state.tab === "fills" ? get(`/api/fills?limit=${PAGE}`) : Promise.resolve({ items: [] }),
    get("/api/positions"),
    state.tab === "drift" ? loadDrift() : Promise.resolve(null),
  ]);
  const more = signals.next_before_id !== null;
  return { status, signals: signals.items, more, open: open.items, fills: fills.items, positions, drift };
}

async function refresh() {
  if (asking) {
    again = true; // something was done meanwhile: the answer under way may not show it
    return;
  }
  asking = true;
  again = false;
  try {
    state.data = await load();
    state.at = performance.now();
    state.failures = 0;
  } catch {
    state.failures += 1;
  } finally {
    asking = false;
  }
  render();
  if (again) await refresh();
}

// For ever: one question at a time. A page that nobody sees asks now and then, and keeps no connection from the others.
async function follow() {
  for (let at = ""; ; ) {
    const hidden = document.hidden;
    try {
      const seen = await changes(at, at && !hidden && !state.failures);
      at = seen.at;
      if (seen.parts.length || state.failures) await refresh();
    } catch {
      state.failures += 1;
      render();
    }
    if (state.failures) await pause(AGAIN_MS * Math.min(state.failures, 4));
    else if (hidden) await pause(HIDDEN_MS);
  }
}

// Ends early when somebody looks at the page.
const pause = (ms) =>
  new Promise((over) => {
    const timer = setTimeout(over, ms);
    document.addEventListener("visibilitychange", () => !document.hidden && (clearTimeout(timer), over()), { once: true });
  });

// The worst that stands: in the head that stays in sight, in the tab's title and its icon.
function worst(status) {
  if (state.failures > 1) return { mood: "lost", text: t("lost") };
  if (!status) return { mood: "loading", text: t("loading") };
  if (status.unknown.length) return { mood: "alarm", text: `${t("unknown")} ${status.unknown.length}` };
  const down = status.accounts.filter((a) => !a.ready);
  if (down.length) return { mood: down.some((a) => a.real) ? "down" : "some_paused", text: `${t("not_ready")}: ${down.map((a) => a.account).join(" ")}` };
  const mood = status.paused ? "paused" : status.pauses.length ? "some_paused" : "running";
  return { mood, text: t(mood) };
}

const MARKS = { lost: "✕ ", alarm: "⚠ ", down: "⚠ ", paused: "⏸ ", partly: "⏸ " };

function head(status) {
  const { mood, text } = worst(status);
  const lost = mood === "lost";
  draw("state", [mood, text, language()], () => [h("i", { class: "dot", "aria-hidden": "true" }), h("span", {}, text)]);
  byId("state").dataset.mood = mood;
  document.body.classList.toggle("lost", lost);
  if (!status) return;
  draw("chips", [status.accounts.map((a) => [a.account, a.ready, a.why_zh]), status.relay, language()], () => chips(status));
  const button = byId("pause");
  button.disabled = false;
  button.textContent = t(status.paused ? "resume" : "pause");
  button.className = status.paused ? "primary" : "danger";
  draw("notices", [status.notices, status.pauses, language()], () => notices(status, resume));
  byId("unknown").hidden = !status.unknown.length;
  draw("unknown-rows", [status.unknown, language()], () => unknownRows(status.unknown, settle, show));
  const several = status.unknown.length ? `⚠${status.unknown.length} ` : MARKS[mood] ?? "";
  document.title = `${several}jqfollow`;
  const icon = `/static/favicon${["alarm", "down", "lost"].includes(mood) ? "-alarm" : ""}.svg`;
  const link = document.querySelector('link[rel="icon"]');
  if (link.getAttribute("href") !== icon) link.setAttribute("href", icon);
}

// The exchange's clock: what the service told, and what has passed since.
function tick() {
  const now = state.data?.status.now;
  if (now) byId("now").textContent = clock(shanghai(Date.parse(now) + performance.now() - state.at));
}

function filters(status) {
  const named = (rows, key) => [["", `${t(key)} · ${t("all")}`], ...rows.map((row) => [row[key], row[key]])];
  const change = (key) => (value) => {
    state.filter[key] = value;
    render();
  };
  draw("filters", [status.strategies.map((s) => s.strategy), status.accounts.map((a) => a.account), state.filter, language()], () => [
    select("strategy", named(status.strategies, "strategy"), state.filter.strategy, change("strategy")),
    select("account", named(status.accounts, "account"), state.filter.account, change("account")),
  ]);
}

function tabs(open) {
  const choose = (tab) => {
    state.tab = tab;
    render();
    refresh();
  };
  const arrows = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    choose(TABS[(TABS.indexOf(state.tab) + step + TABS.length) % TABS.length]);
    byId("tabs").querySelector('[aria-selected="true"]').focus();
  };
  draw("tabs", [state.tab, open.length, language()], () =>
    TABS.map((tab) =>
      h("button", { type: "button", role: "tab", "data-key": tab, "aria-selected": String(tab === state.tab), "aria-controls": "panel",
        tabindex: tab === state.tab ? "0" : "-1", onclick: () => choose(tab), onkeydown: arrows },
        t(tab), tab === "open" && open.length ? h("span", { class: "tag" }, String(open.length)) : null)));
}

function render() {
  const data = state.data;
  head(data?.status);
  tick();
  if (!data) return;
  const { status, signals, more, open, fills, positions, drift } = data;
  draw("today", [signals.map((s) => [s.signal_id, s.state, s.orders.map((o) => o.state)]), more, open.length, day(status.now), language()], () =>
    tiles(signals, day(status.now), more));
  tabs(open);
  filters(status);
  const strategies = status.strategies.map((s) => s.strategy);
  const panel = {
    signals: [signals, () => signalsPanel(signals, state.filter, show)],
    open: [open, () => openPanel(open, state.filter, show)],
    fills: [fills, () => fillsPanel(fills, state.filter)],
    drift: [drift, () => driftPanel(drift, state.filter, strategies, refresh)],
  }[state.tab];
  draw("panel", [state.tab, state.filter, language(), panel[0]], panel[1]);
  byId("more").hidden = state.tab !== "signals" || !more || state.limit >= MOST;
  draw("accounts", [status.accounts, language()], () => accountCards(status.accounts));
  draw("positions", [positions, language()], () => positionRows(positions, (broker) => strayRows(broker, strategies, refresh)));
  manualForm(status, show, refresh);
}

function words() {
  document.documentElement.lang = language() === "zh" ? "zh-CN" : "en";
  for (const el of document.querySelectorAll("[data-t]")) el.textContent = t(el.dataset.t);
  const button = byId("lang");
  button.textContent = t("switch");
  button.lang = language() === "zh" ? "en" : "zh-CN";
}

byId("lang").addEventListener("click", () => {
  setLanguage(language() === "zh" ? "en" : "zh");
  forget();
  words();
  render();
});
byId("pause").addEventListener("click", async (event) => {
  if (state.data?.status.paused) {
    resume({});
    return;
  }
  event.target.disabled = true;
  try {
    await post("/api/pause", {});
  } catch (error) {
    askFirst(t("pause"), half(error.message), async () => {});
  }
  refresh();
});
byId("more").addEventListener("click", () => {
  state.limit = Math.min(state.limit + PAGE, MOST);
  refresh();
});
words();
follow();
setInterval(tick, 1000);
