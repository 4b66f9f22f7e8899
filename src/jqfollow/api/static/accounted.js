// Every share and every yuan accounted for: how far the books are from what was asked for, and what following cost.

import { draw } from "./dom.js";
import { language, t } from "./i18n.js";
import { has, source, spoil } from "./feed.js";
import { get } from "./server.js";
import { driftPanel, loadDrift } from "./drift.js";
import { filterRow, select } from "./parts.js";
import { shortfallPanel } from "./shortfall.js";

const DAYS = ["1", "7", "30", "92"];
const own = { filter: { strategy: "", account: "", text: "" }, days: "30" };

source("drift", ["books", "orders", "signals", "accounts"], loadDrift);
source("shortfall", ["orders", "books", "accounts"], () => get(`/api/shortfall?${asked()}`));

export const needs = () => ["drift", "shortfall"];

function asked() {
  const given = { days: own.days, strategy: own.filter.strategy, account: own.filter.account };
  return new URLSearchParams(Object.entries(given).filter(([, value]) => value));
}

export function render(page) {
  const { drift, shortfall, status } = { drift: has("drift"), shortfall: has("shortfall"), status: has("status") };
  const strategies = status.strategies.map((s) => s.strategy);
  const again = () => {
    spoil("shortfall");
    page.render();
    page.refresh();
  };
  const days = (value) => {
    own.days = value;
    again();
  };
  filterRow("accounted-filters", status, own.filter, again);
  draw("shortfall-span", [language()], () => select("days_back", DAYS.map((n) => [n, t(`days_${n}`)]), own.days, days));
  draw("drift", [drift, own.filter, language()], () => driftPanel(drift, own.filter, strategies, () => page.refresh("drift")));
  if (shortfall) draw("shortfall", [shortfall, own.filter.text, language()], () => shortfallPanel(shortfall, own.filter.text, page.show));
}
