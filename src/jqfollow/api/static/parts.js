// Small pieces that several views show.

import { clock, count, draw, h, price } from "./dom.js";
import { language, t, why } from "./i18n.js";
import { matches, security } from "./names.js";

export const sideTag = (side) => h("span", { class: `side ${side}` }, t(side));

export function badge(state, { attempt = false } = {}) {
  return h("span", { class: `badge ${state}` }, t(attempt && state === "rejected" ? "at_rejected" : state));
}

export function orderBadge(order) {
  if (order.unknown) return badge("unknown");
  if (order.waiting_for) return h("span", { class: "badge waiting" }, t(`wait_${order.waiting_for}`));
  return badge(order.state);
}

export function progress(order) {
  if (!order.sized) return h("span", { class: "dim" }, order.open ? t("not_sized") : null);
  const text = `${count(order.filled)} / ${count(order.volume)}`;
  return h(
    "span",
    { class: "progress num" },
    h("progress", { max: order.volume || 1, value: order.filled, "aria-label": text }),
    h("span", {}, text, order.avg_price ? h("span", { class: "dim" }, ` @ ${price(order.avg_price)}`) : null),
  );
}

// One order as a row that opens its history.
export function orderRow(order, show, { full = false } = {}) {
  return h(
    "button",
    { class: "order", type: "button", "data-key": `o${order.order_id}`, onclick: () => show(order.order_id) },
    full ? h("span", { class: "num dim" }, clock(order.created_at)) : h("span", { class: "arrow", "aria-hidden": "true" }, "↳"),
    full ? h("span", { class: "who" }, security(order.security), " ", sideTag(order.side)) : null,
    h("span", { class: "acct" }, order.account, full ? h("span", { class: "dim" }, ` · ${order.strategy}`) : null),
    orderBadge(order),
    progress(order),
    h("span", { class: "why" }, why(order)),
  );
}

// Strategy, account and text: kept in `filter`, whose change draws anew.
export function filterRow(id, status, filter, changed) {
  const named = (rows, key) => [["", `${t(key)} · ${t("all")}`], ...rows.map((row) => [row[key], row[key]])];
  const change = (key) => (value) => {
    filter[key] = value;
    changed();
  };
  draw(id, [status.strategies.map((s) => s.strategy), status.accounts.map((a) => a.account), language()], () => [
    h("input", { type: "search", class: "text", "data-key": "text", "aria-label": t("search"), placeholder: t("filter_hint"), maxlength: "40", value: filter.text,
      oninput: (event) => change("text")(event.target.value.trim()) }),
    select("strategy", named(status.strategies, "strategy"), filter.strategy, change("strategy")),
    select("account", named(status.accounts, "account"), filter.account, change("account")),
  ]);
}

// Whether what is of a strategy, an account and a security passes the filter.
export const passes = (filter, strategy, account, code) =>
  (!filter.strategy || strategy === filter.strategy) && (!filter.account || account === filter.account) && matches(code, filter.text);

export const pair = (label, value, extra = "") => h("div", { class: `pair ${extra}` }, h("dt", {}, label), h("dd", { class: "num" }, value));

export function select(name, options, value, onchange) {
  return h(
    "select",
    { name, "data-key": name, "aria-label": t(name), onchange: (event) => onchange(event.target.value) },
    options.map(([key, label]) => h("option", { value: key, selected: key === value }, label)),
  );
}
