// The main panel: signals with their orders, open orders, fills.

import { clock, count, day, h, price } from "./dom.js";
import { t, why } from "./i18n.js";
import { matches, security } from "./names.js";
import { orderRow, passes, sideTag } from "./parts.js";

const KIND = { hello: "hello", positions: "positions_msg" };

function signalHead(signal) {
  const order = signal.order;
  const tag = signal.wire === "manual" ? t("manual_wire") : signal.run === "close" ? t("close_all") : signal.wire === "repair" ? t("repair") : signal.run === "sim_trade" ? null : t("backtest");
  return h(
    "div",
    { class: "head" },
    h("time", { class: "num dim" }, clock(signal.received_at)),
    order
      ? h("span", { class: "who" }, security(order.symbol), " ", sideTag(order.side))
      : h("span", { class: "who" }, t(KIND[signal.kind])),
    order ? h("span", { class: "num" }, `${count(order.amount)} @ ${price(order.price ?? order.limit)}`) : h("span", {}),
    h("span", { class: "acct dim" }, signal.strategy, tag ? h("span", { class: "tag" }, tag) : null),
    h("span", { class: "why" }, why(signal)),
    order ? h("span", { class: `mark ${signal.outcome}` }, t(signal.outcome)) : null,
  );
}

export function signalsPanel(signals, filter, show) {
  const fits = (s) =>
    (!filter.strategy || s.strategy === filter.strategy) &&
    (!filter.account || s.orders.some((o) => o.account === filter.account)) && (!filter.text || (s.order && matches(s.order.symbol, filter.text)));
  const rows = [];
  let last = "";
  for (const signal of signals.filter(fits)) {
    const date = day(signal.received_at);
    if (date !== last) rows.push(h("h3", { class: "date num" }, date));
    last = date;
    const orders = signal.orders.filter((o) => !filter.account || o.account === filter.account);
    rows.push(h("article", { class: "signal" }, signalHead(signal), orders.map((o) => orderRow(o, show))));
  }
  if (!rows.length) return h("p", { class: "empty" }, t(signals.length ? "none_match" : "none_signals"));
  return rows;
}

const keep = (filter) => (row) => passes(filter, row.strategy, row.account, row.security);

export function openPanel(orders, filter, show) {
  const rows = orders.filter(keep(filter));
  if (!rows.length) return h("p", { class: "empty" }, t(orders.length ? "none_match" : "none_open"));
  return rows.map((order) => h("article", { class: "signal" }, orderRow(order, show, { full: true })));
}

export function fillsPanel(fills, filter) {
  const rows = fills.filter(keep(filter));
  if (!rows.length) return h("p", { class: "empty" }, t(fills.length ? "none_match" : "none_fills"));
  const head = ["time", "security", "side", "volume", "price", "fee", "account", "strategy"];
  return h(
    "div",
    { class: "scroll" },
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, head.map((key) => h("th", { scope: "col", class: `c-${key}` }, t(key))))),
      h(
        "tbody",
        {},
        rows.map((fill) =>
          h(
            "tr",
            {},
            h("td", { class: "num dim" }, `${fill.day.slice(5)} ${clock(fill.filled_at)}`),
            h("td", {}, security(fill.security)),
            h("td", {}, sideTag(fill.side)),
            h("td", { class: "num c-volume" }, count(fill.volume)),
            h("td", { class: "num c-price" }, price(fill.price)),
            h("td", { class: "num dim c-fee" }, price(fill.fee)),
            h("td", {}, fill.account),
            h("td", { class: "dim" }, fill.strategy),
          ),
        ),
      ),
    ),
  );
}

export function tiles(signals, today, more) {
  const received = signals.filter((s) => day(s.received_at) === today && s.kind === "order");
  const became = (outcome) => received.filter((s) => s.outcome === outcome).length; // their sum is what was received
  const plus = more && received.length && received.length === signals.filter((s) => s.kind === "order").length ? "+" : "";
  const figures = [
    ["today_signals", received.length + plus],
    ...["followed", "partly", "not_followed", "under_way"].map((outcome) => [outcome, became(outcome) + plus]),
  ];
  return figures.map(([key, figure]) => h("div", { class: `tile ${key}` }, h("b", { class: "num" }, String(figure)), h("span", {}, t(key))));
}
