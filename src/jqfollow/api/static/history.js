// Days to go back to, and orders found by day, account, strategy, state and text.

import { byId, day, draw, h } from "./dom.js";
import { language, t } from "./i18n.js";
import { has, source, spoil } from "./feed.js";
import { get } from "./server.js";
import { orderRow, select } from "./parts.js";

const PAGE = 100;
const STATES = ["pending_new", "new", "partially_filled", "filled", "canceled", "rejected", "expired"];
const own = { month: "", day: "", strategy: "", account: "", state: "", q: "", older: [] };

source("days", ["orders"], () => get(`/api/days?${new URLSearchParams(own.month ? { month: `${own.month}-01` } : { month: day(has("status").now) })}`));
source("found", ["orders"], () => (own.older = [], get(`/api/find?${asked()}`)));

export const needs = () => ["days", "found"];

function asked(before) {
  const given = { q: own.q, day: own.day, strategy: own.strategy, account: own.account, state: own.state, before_id: before, limit: PAGE };
  return new URLSearchParams(Object.entries(given).filter(([, value]) => value));
}

function months(first, last) {
  const found = [];
  for (let [y, m] = last.split("-").map(Number); `${y}-${String(m).padStart(2, "0")}` >= first; m === 1 ? (y -= 1, m = 12) : (m -= 1)) found.push(`${y}-${String(m).padStart(2, "0")}`);
  return found;
}

function calendar(days, today, page) {
  const month = own.month || today.slice(0, 7);
  const [year, number] = month.split("-").map(Number);
  const counts = new Map(days.days.map((d) => [d.day, d]));
  const leading = (new Date(Date.UTC(year, number - 1, 1)).getUTCDay() + 6) % 7;
  const length = new Date(Date.UTC(year, number, 0)).getUTCDate();
  const pick = (date) => {
    own.day = own.day === date ? "" : date;
    spoil("found");
    page.render();
    page.refresh();
  };
  const turn = (to) => {
    own.month = to;
    spoil("days");
    page.render();
    page.refresh();
  };
  const all = months(days.first ? days.first.slice(0, 7) : month, today.slice(0, 7));
  const at = all.indexOf(month);
  const cell = (n) => {
    const date = `${month}-${String(n).padStart(2, "0")}`;
    const count = counts.get(date);
    return h("button", { type: "button", class: `day ${date === today ? "now" : ""}`, "data-key": `d${date}`, disabled: !count && date !== own.day,
      "aria-pressed": String(date === own.day), "aria-label": `${date}${count ? ` ${count.orders} ${t("order")}, ${count.fills} ${t("fills")}` : ""}`, onclick: () => pick(date) },
      h("span", {}, String(n)), count ? h("small", { class: "num" }, String(count.orders)) : null);
  };
  return [
    h("div", { class: "row spread" },
      h("button", { type: "button", class: "quiet", "data-key": "older", "aria-label": t("older"), disabled: at + 1 >= all.length, onclick: () => turn(all[at + 1]) }, "‹"),
      select("month", all.map((m) => [m, m]), month, turn),
      h("button", { type: "button", class: "quiet", "data-key": "newer", "aria-label": t("newer"), disabled: at <= 0, onclick: () => turn(all[at - 1]) }, "›")),
    h("div", { class: "month", role: "group", "aria-label": month },
      t("weekdays").split(" ").map((name) => h("span", { class: "dim small", "aria-hidden": "true" }, name)),
      Array.from({ length: leading }, () => h("span")), Array.from({ length }, (_, n) => cell(n + 1))),
    h("p", { class: "dim small" }, t("calendar_hint")),
  ];
}

let filtersFor = "";

// Drawn once for a configuration and a language: what a person types is never drawn over.
function filters(status, page) {
  const key = JSON.stringify([language(), status.strategies.map((s) => s.strategy), status.accounts.map((a) => a.account)]);
  if (key === filtersFor) return;
  filtersFor = key;
  const change = (name) => (value) => {
    own[name] = value;
    spoil("found");
    page.refresh();
  };
  const named = (rows, name) => [["", `${t(name)} · ${t("all")}`], ...rows.map((row) => [row[name], row[name]])];
  const form = byId("search");
  form.replaceChildren(
    h("input", { type: "search", name: "q", "aria-label": t("search"), placeholder: t("search_hint"), maxlength: "80", value: own.q }),
    select("strategy", named(status.strategies, "strategy"), own.strategy, change("strategy")),
    select("account", named(status.accounts, "account"), own.account, change("account")),
    select("state", [["", `${t("state")} · ${t("all")}`], ...STATES.map((state) => [state, t(state)])], own.state, change("state")),
    h("button", { class: "primary" }, t("search")));
  form.onsubmit = (event) => {
    event.preventDefault();
    change("q")(form.q.value.trim());
  };
}

export function render(page) {
  const status = has("status");
  const days = has("days");
  const found = has("found");
  filters(status, page);
  if (days) draw("calendar", [days, own.month, own.day, day(status.now), language()], () => calendar(days, day(status.now), page));
  if (!found) return;
  const rows = [...found.items, ...own.older.flatMap((more) => more.items)];
  const next = (own.older.at(-1) ?? found).next_before_id;
  draw("found", [rows, own.day, language()], () => listed(rows, page));
  byId("found-more").hidden = next === null;
  byId("found-more").onclick = async () => {
    own.older.push(await get(`/api/find?${asked(next)}`));
    page.render();
  };
}

function listed(rows, page) {
  if (!rows.length) return h("p", { class: "empty" }, t("none_match"));
  let last = "";
  return rows.flatMap((order) => {
    const head = order.day === last ? null : h("h3", { class: "date num" }, order.day);
    last = order.day;
    return [head, h("article", { class: "signal" }, orderRow(order, page.show, { full: true }))];
  });
}
