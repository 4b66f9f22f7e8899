// What is held, by whom, and how far that is from what the strategies asked for.

import { draw } from "./dom.js";
import { language } from "./i18n.js";
import { has, path, source } from "./feed.js";
import { driftPanel, loadDrift, strayRows } from "./drift.js";
import { positionRows } from "./panels.js";
import { filterRow } from "./parts.js";

const own = { filter: { strategy: "", account: "", text: "" } };

source("positions", ["books", "accounts"], path("/api/positions"));
source("drift", ["books", "orders", "signals", "accounts"], loadDrift);

export const needs = () => ["positions", "drift"];

export function render(page) {
  const { positions, drift, status } = { positions: has("positions"), drift: has("drift"), status: has("status") };
  const strategies = status.strategies.map((s) => s.strategy);
  const done = () => page.refresh("positions", "drift");
  filterRow("drift-filters", status, own.filter, page.render);
  if (positions) draw("positions", [positions, language()], () => positionRows(positions, (broker) => strayRows(broker, strategies, done)));
  draw("drift", [drift, own.filter, language()], () => driftPanel(drift, own.filter, strategies, done));
}
