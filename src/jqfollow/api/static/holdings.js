// What is held, by whom, and what an account holds that is nobody's.

import { draw } from "./dom.js";
import { language } from "./i18n.js";
import { has, path, source } from "./feed.js";
import { strayRows } from "./drift.js";
import { positionRows } from "./panels.js";
import { filterRow, passes } from "./parts.js";

const own = { filter: { strategy: "", account: "", text: "" } };

source("positions", ["books", "accounts"], path("/api/positions"));

export const needs = () => ["positions"];

export function render(page) {
  const { positions, status } = { positions: has("positions"), status: has("status") };
  filterRow("holdings-filters", status, own.filter, page.render);
  if (!positions) return;
  const strategies = status.strategies.map((s) => s.strategy);
  const done = () => page.refresh("positions");
  const shown = {
    items: positions.items.filter((b) => passes(own.filter, b.strategy, b.account, b.security)),
    broker: positions.broker.filter((held) => !own.filter.strategy && passes(own.filter, "", held.account, held.security)),
  };
  draw("positions", [shown, strategies, language()], () => positionRows(shown, (broker) => strayRows(broker, strategies, done)));
}
