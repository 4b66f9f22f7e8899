// Shortfall: what orders cost beside the strategy's own prices, in four parts that add up.

import { clock, count, day, h, money, price } from "./dom.js";
import { t } from "./i18n.js";
import { matches, security } from "./names.js";
import { sideTag } from "./parts.js";

const PARTS = ["delay", "trading", "opportunity", "fees"];
const bps = (text) => (text === null ? "–" : text);
const share = (ratio) => (ratio === null ? "–" : `${(Number(ratio) * 100).toFixed(1)} %`);
const cell = (text, extra = "") => h("td", { class: `num c-price ${extra}` }, text);
// What cost is as bad as a loss.
const tone = (text) => (Number(text) > 0 ? "down" : Number(text) < 0 ? "up" : "");
const head = (keys, words) => h("thead", {}, h("tr", {}, keys.map((key) => h("th", { scope: "col", class: words.includes(key) ? "" : "c-price" }, t(key)))));

function books(told) {
  const line = (of, name) => h("tr", {},
    h("td", {}, name), cell(count(of.orders)), cell(share(of.filled_share)), cell(h("b", {}, money(of.cost.total)), tone(of.cost.total)), cell(bps(of.cost.bps)),
    PARTS.map((part) => cell(money(of.cost[part]))), cell(bps(of.median_bps), "dim"), cell(bps(of.p90_bps), "dim"), cell(of.unpriced ? count(of.unpriced) : "", "dim"));
  const keys = ["strategy", "orders", "filled_share", "shortfall", "bps", ...PARTS, "median_bps", "p90_bps", "unpriced"];
  return h("div", { class: "scroll" }, h("table", { class: "tight" }, head(keys, ["strategy"]), h("tbody", {},
    told.books.map((of) => line(of, `${of.strategy} · ${of.account}`)), told.books.length > 1 ? line(told.all, h("b", {}, t("sum"))) : null)));
}

function orders(rows, show) {
  const line = (o) => h("tr", {},
    h("td", {}, h("button", { type: "button", class: "quiet", "data-key": `cost${o.order_id}`, onclick: () => show(o.order_id) }, `#${o.order_id}`), " ",
      h("span", { class: "num dim small" }, `${day(o.received_at).slice(5)} ${clock(o.received_at)}`)),
    h("td", {}, security(o.security), " ", sideTag(o.side), h("p", { class: "dim small" }, `${o.strategy} · ${o.account}`)),
    cell(`${count(o.filled)} / ${count(o.wished)}`), [o.decision, o.arrival, o.paid, o.close].map((yuan) => cell(price(yuan))),
    o.cost ? [cell(h("b", {}, money(o.cost.total)), tone(o.cost.total)), cell(bps(o.cost.bps)), PARTS.map((part) => cell(money(o.cost[part])))]
      : h("td", { class: "dim", colspan: String(2 + PARTS.length) }, t("no_cost")));
  const keys = ["order", "security", "filled_of", "decision_price", "arrival_price", "avg", "close_price", "shortfall", "bps", ...PARTS];
  return h("div", { class: "scroll" }, h("table", { class: "tight" }, head(keys, ["order", "security"]), h("tbody", {}, rows.map(line))));
}

export function shortfallPanel(told, text, show) {
  if (!told.books.length) return h("p", { class: "empty" }, t("none_shortfall"));
  const rows = told.orders.filter((o) => matches(o.security, text));
  return [
    h("p", { class: "over dim small" }, `${told.first} – ${told.last} · ${t("shortfall_help")}`),
    books(told),
    h("p", { class: "over dim small" }, t("costliest")),
    rows.length ? orders(rows, show) : h("p", { class: "empty" }, t("none_match")),
  ];
}
