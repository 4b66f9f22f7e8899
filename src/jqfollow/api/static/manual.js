// The form for a manual order.

import { byId, h } from "./dom.js";
import { t } from "./i18n.js";
import { confirmOrder } from "./dialogs.js";
import { orderRow } from "./parts.js";
import { get } from "./server.js";

let drawnFor = "";
let placed = [];
let result = null;
let show = null;

const LOOK_MS = 2000;

// What was placed here is shown as it stands, until it has ended.
async function look() {
  const open = placed.filter((row) => row.open);
  if (!open.length) return;
  if (!document.hidden) {
    try {
      const now = await Promise.all(open.map((row) => get(`/api/orders/${row.order_id}`)));
      const known = new Map(now.map((detail) => [detail.order.order_id, detail.order]));
      placed = placed.map((row) => known.get(row.order_id) ?? row);
      drawPlaced();
    } catch {
      // The page's head says that the service is lost.
    }
  }
  setTimeout(look, LOOK_MS);
}

const drawPlaced = () => result?.replaceChildren(...placed.map((row) => orderRow(row, show, { full: true })));

// Drawn once for a configuration and a language: what a person types is never drawn over.
export function manualForm(status, opens, done) {
  show = opens;
  const key = JSON.stringify([t("place"), status.strategies.map((s) => s.strategy), status.accounts.map((a) => a.account)]);
  if (key === drawnFor) return;
  drawnFor = key;
  const form = byId("manual");
  result = h("div", { "aria-live": "polite" });
  drawPlaced();
  const options = (rows, name, extra) => rows.map((row) => h("option", { value: row[name] }, extra(row)));
  const field = (label, input) => h("label", { class: "field" }, h("span", {}, label), input);
  const side = (value, checked) =>
    h("label", { class: `toggle ${value}` }, h("input", { type: "radio", name: "side", value, checked, required: true }), h("span", {}, t(value)));
  form.replaceChildren(
    field(t("strategy"), h("select", { name: "strategy", required: true },
      options(status.strategies, "strategy", (s) => (s.title ? `${s.strategy} · ${s.title}` : s.strategy)))),
    field(t("account"), h("select", { name: "account", required: true },
      options(status.accounts, "account", (a) => `${a.account} · ${t(a.real ? "real" : "paper")}`))),
    field(t("security"), h("input", { name: "security", required: true, maxlength: "16", placeholder: t("security_hint"),
      pattern: "\\s*[0-9]{6}\\.[A-Za-z]{2,4}\\s*", title: t("security_hint"), spellcheck: "false" })),
    h("div", { class: "row" }, h("div", { class: "toggles", role: "radiogroup", "aria-label": t("side") }, side("buy", true), side("sell", false))),
    field(t("volume"), h("input", { name: "volume", type: "number", required: true, min: "1", max: "100000000", step: "1", value: "100" })),
    field(t("limit"), h("input", { name: "price", type: "number", min: "0.001", max: "1000000", step: "0.001", placeholder: t("limit_hint") })),
    h("button", { class: "primary wide" }, t("place")),
    result,
  );
  form.onsubmit = (event) => {
    event.preventDefault();
    const data = Object.fromEntries(new FormData(form));
    const order = { ...data, security: data.security.trim(), volume: Number(data.volume), price: data.price || null };
    const account = status.accounts.find((a) => a.account === data.account);
    confirmOrder(order, account, (orders) => {
      placed = orders;
      drawPlaced();
      setTimeout(look, LOOK_MS);
      done();
    });
  };
}
