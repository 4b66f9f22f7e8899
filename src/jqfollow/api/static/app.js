// The dashboard: waits for the service to tell what has changed, and draws that.

import { byId, clock, draw, forget, h, shanghai } from "./dom.js";
import { half, language, setLanguage, t } from "./i18n.js";
import { has, load, next, path, source, spoil } from "./feed.js";
import { learn } from "./names.js";
import { LOGGED_OUT, post } from "./server.js";
import { chips, notices, unknownRows } from "./panels.js";
import { askFirst, orderDialog, settleDialog } from "./dialogs.js";
import * as today from "./today.js";
import * as holdings from "./holdings.js";
import * as accounted from "./accounted.js";
import * as results from "./results.js";
import * as history from "./history.js";
import * as log from "./log.js";
import * as steer from "./steer.js";

const AGAIN_MS = 1000;
const CALM_MS = 250; // between two looks, when one change follows the other
const HIDDEN_MS = 15000;
const VIEWS = { today, holdings, accounted, results, history, log, steer };
const TABS = Object.keys(VIEWS);
const state = { tab: TABS.includes(location.hash.slice(1)) ? location.hash.slice(1) : TABS[0], failures: 0 };
let asking = false;
let again = false;

source("status", ["state", "pauses", "orders", "accounts", "messages", "signals"], path("/api/status"));
source("names", ["names"], path("/api/names"));

// What the views may do to the page.
const page = {
  show: (id) => orderDialog(id, refresh),
  refresh: (...names) => (spoil(...names), refresh()),
  render,
};

const settle = (attempt, order) => settleDialog(attempt, order, refresh);
const resume = (scope) =>
  askFirst(t("resume"), t("resume_ask"), async () => {
    await post("/api/resume", scope);
    page.refresh("status");
  }, { label: t("resume") });

async function refresh() {
  if (asking) {
    again = true; // something was done meanwhile: the answer under way may not show it
    return;
  }
  asking = true;
  again = false;
  try {
    const view = VIEWS[state.tab];
    await load(["status", "names", ...view.needs()]);
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
      const seen = await next(at, at && !hidden && !state.failures);
      at = seen.at;
      if (seen.parts.length || state.failures) {
        await refresh();
        await pause(CALM_MS);
      }
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
  const wrong = status.notices.filter((notice) => notice.level === "error");
  if (wrong.length) return { mood: "down", text: `${t("trouble")} ${wrong.length}` };
  const down = status.accounts.filter((a) => !a.ready);
  if (down.length) return { mood: down.some((a) => a.real) ? "down" : "some_paused", text: `${t("not_ready")}: ${down.map((a) => a.account).join(" ")}` };
  if (status.relay && !status.relay.connected) return { mood: "some_paused", text: `${t("relay")} ${t("relay_down")}` };
  const mood = status.paused ? "paused" : status.pauses.length ? "some_paused" : "running";
  return { mood, text: t(mood) };
}

const MARKS = { lost: "✕ ", alarm: "⚠ ", down: "⚠ ", paused: "⏸ ", some_paused: "⏸ " };

function head(status) {
  const { mood, text } = worst(status);
  draw("state", [mood, text, language()], () => [h("i", { class: "dot", "aria-hidden": "true" }), h("span", {}, text)]);
  byId("state").dataset.mood = mood;
  document.body.classList.toggle("lost", mood === "lost");
  if (!status) return;
  draw("chips", [status.accounts.map((a) => [a.account, a.ready, a.why_zh]), status.relay, language()], () => chips(status));
  const button = byId("pause");
  button.disabled = false;
  button.textContent = t(status.paused ? "resume" : "pause");
  button.className = status.paused ? "primary" : "danger";
  draw("notices", [status.notices, status.pauses, language()], () => notices(status, resume));
  byId("unknown").hidden = !status.unknown.length;
  draw("unknown-rows", [status.unknown, language()], () => unknownRows(status.unknown, settle, page.show));
  document.title = `${status.unknown.length ? `⚠${status.unknown.length} ` : MARKS[mood] ?? ""}jqfollow`;
  const icon = `/static/favicon${["alarm", "down", "lost"].includes(mood) ? "-alarm" : ""}.svg`;
  const link = document.querySelector('link[rel="icon"]');
  if (link.getAttribute("href") !== icon) link.setAttribute("href", icon);
}

// The exchange's clock: what the service told, and what has passed since.
let told = { now: "", at: 0 };
function tick() {
  const now = has("status")?.now;
  if (!now) return;
  if (told.now !== now) told = { now, at: performance.now() };
  byId("now").textContent = clock(shanghai(Date.parse(now) + performance.now() - told.at));
}

function choose(tab) {
  state.tab = tab;
  window.history.replaceState(null, "", `#${tab}`);
  spoil(...VIEWS[tab].needs());
  render();
  refresh();
}

function tabs() {
  const arrows = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    choose(TABS[(TABS.indexOf(state.tab) + step + TABS.length) % TABS.length]);
    byId("tabs").querySelector('[aria-selected="true"]').focus();
  };
  draw("tabs", [state.tab, language()], () =>
    TABS.map((tab) =>
      h("button", { type: "button", role: "tab", "data-key": `tab-${tab}`, "aria-selected": String(tab === state.tab), "aria-controls": "main",
        tabindex: tab === state.tab ? "0" : "-1", onclick: () => choose(tab), onkeydown: arrows }, t(`tab_${tab}`))));
  for (const view of document.querySelectorAll(".view")) view.hidden = view.dataset.view !== state.tab;
}

function render() {
  if (learn(has("names"))) forget();
  head(has("status"));
  tick();
  tabs();
  if (has("status")) VIEWS[state.tab].render(page);
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
  if (has("status")?.paused) {
    resume({});
    return;
  }
  event.target.disabled = true;
  try {
    await post("/api/pause", {});
  } catch (error) {
    askFirst(t("pause"), half(error.message), async () => {});
  }
  page.refresh("status");
});
window.addEventListener("storage", (event) => event.key === LOGGED_OUT && location.reload());
window.addEventListener("hashchange", () => TABS.includes(location.hash.slice(1)) && choose(location.hash.slice(1)));

words();
render();
follow();
setInterval(tick, 1000);
