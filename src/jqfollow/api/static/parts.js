// Small pieces that several views show.

import { clock, count, h, price } from "./dom.js";
import { t, why } from "./i18n.js";

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
  if (!order.sized) return h("span", { class: "dim" }, t("not_sized"));
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
    full ? h("span", { class: "who" }, h("b", { class: "num" }, order.security), " ", sideTag(order.side)) : null,
    h("span", { class: "acct" }, order.account, full ? h("span", { class: "dim" }, ` · ${order.strategy}`) : null),
    orderBadge(order),
    progress(order),
    h("span", { class: "why" }, why(order)),
  );
}

export const pair = (label, value, extra = "") => h("div", { class: `pair ${extra}` }, h("dt", {}, label), h("dd", { class: "num" }, value));

export function select(name, options, value, onchange) {
  return h(
    "select",
    { name, "data-key": name, "aria-label": t(name), onchange: (event) => onchange(event.target.value) },
    options.map(([key, label]) => h("option", { value: key, selected: key === value }, label)),
  );
}
