// Today: what came and what became of it, the accounts, and a person's own order.

import { byId, day, draw, h } from "./dom.js";
import { language, t } from "./i18n.js";
import { has, path, source, spoil } from "./feed.js";
import { get } from "./server.js";
import { fillsPanel, openPanel, signalsPanel, tiles } from "./flow.js";
import { accountCards } from "./panels.js";
import { manualForm } from "./manual.js";
import { filterRow } from "./parts.js";

const PAGE = 100;
const MOST = 500;
const SUBS = ["signals", "open", "fills"];
const own = { sub: "signals", filter: { strategy: "", account: "", text: "" }, limit: PAGE };

source("signals", ["signals", "orders"], () => get(`/api/signals?limit=${own.limit}`));
source("open", ["orders"], path("/api/orders/open"));
source("fills", ["orders"], path(`/api/fills?limit=${PAGE}`));

export const needs = () => ["signals", "open", ...(own.sub === "fills" ? ["fills"] : [])];

function subtabs(page, open) {
  const choose = (sub) => {
    own.sub = sub;
    page.render();
    page.refresh();
  };
  const arrows = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    choose(SUBS[(SUBS.indexOf(own.sub) + step + SUBS.length) % SUBS.length]);
    byId("subtabs").querySelector('[aria-selected="true"]').focus();
  };
  draw("subtabs", [own.sub, open.length, language()], () =>
    SUBS.map((sub) =>
      h("button", { type: "button", role: "tab", "data-key": sub, "aria-selected": String(sub === own.sub), "aria-controls": "panel",
        tabindex: sub === own.sub ? "0" : "-1", onclick: () => choose(sub), onkeydown: arrows },
        t(sub), sub === "open" && open.length ? h("span", { class: "tag" }, String(open.length)) : null)));
}

export function render(page) {
  const status = has("status");
  const signals = has("signals");
  if (!signals) return;
  const open = has("open")?.items ?? [];
  const fills = has("fills")?.items ?? [];
  const rows = signals.items;
  const more = signals.next_before_id !== null;
  draw("today", [rows.map((s) => [s.signal_id, s.outcome]), more, day(status.now), language()], () =>
    tiles(rows, day(status.now), more));
  subtabs(page, open);
  filterRow("filters", status, own.filter, page.render);
  const panel = {
    signals: [rows, () => signalsPanel(rows, own.filter, page.show)],
    open: [open, () => openPanel(open, own.filter, page.show)],
    fills: [fills, () => fillsPanel(fills, own.filter)],
  }[own.sub];
  draw("panel", [own.sub, own.filter, language(), panel[0]], panel[1]);
  byId("more").hidden = own.sub !== "signals" || !more || own.limit >= MOST;
  byId("more").onclick = () => {
    own.limit = Math.min(own.limit + PAGE, MOST);
    spoil("signals");
    page.refresh();
  };
  draw("accounts", [status.accounts, language()], () => accountCards(status.accounts));
  manualForm(status, page.show, page.refresh);
}
