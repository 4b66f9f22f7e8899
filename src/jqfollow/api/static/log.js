// The log: the newest lines, by level and text.

import { byId, clock, day, draw, h } from "./dom.js";
import { language, t } from "./i18n.js";
import { has, source, spoil } from "./feed.js";
import { get } from "./server.js";
import { select } from "./parts.js";

const EVERY_MS = 3000;
const own = { level: "info", q: "", limit: 200, timer: null };

source("log", [], () => get(`/api/log?${new URLSearchParams({ level: own.level, q: own.q, limit: own.limit })}`));

export const needs = () => ["log"];

let filtersFor = "";

function filters(page) {
  if (filtersFor === language()) return;
  filtersFor = language();
  const again = () => {
    spoil("log");
    page.refresh();
  };
  const form = byId("log-search");
  form.replaceChildren(
    h("input", { type: "search", name: "q", "aria-label": t("search"), placeholder: t("log_hint"), maxlength: "80", value: own.q }),
    select("level", ["debug", "info", "warning", "error"].map((level) => [level, t(`level_${level}`)]), own.level, (level) => {
      own.level = level;
      again();
    }),
    h("button", { class: "primary" }, t("search")));
  form.onsubmit = (event) => {
    event.preventDefault();
    own.q = form.q.value.trim();
    again();
  };
}

// Some lines tell a sentence; the others an event with its fields.
const fields = (line) => Object.entries(line.fields).filter(([name]) => name !== "told").map(([name, value]) => [h("span", { class: "dim" }, ` ${name}=`), typeof value === "string" ? value : JSON.stringify(value)]);

const row = (line) =>
  h("li", { class: line.level },
    h("time", { class: "num dim", title: line.at }, `${day(line.at).slice(5)} ${clock(line.at)}`), h("span", { class: "level" }, t(`level_${line.level}`)),
    h("span", { class: "told" }, line.fields.told ? [line.fields.told, h("span", { class: "dim" }, ` ${line.event}`)] : h("b", {}, line.event), fields(line), line.exception ? h("details", {}, h("summary", {}, t("exception")), h("pre", {}, line.exception)) : null));

export function render(page) {
  filters(page);
  const lines = has("log");
  if (lines) draw("log", [lines, language()], () => (lines.length ? h("ol", { class: "log" }, lines.map(row)) : h("p", { class: "empty" }, t("none_match"))));
  // The service does not tell of each line: whoever looks asks.
  clearTimeout(own.timer);
  own.timer = setTimeout(() => {
    if (byId("log").offsetParent === null || document.hidden) return;
    spoil("log");
    page.refresh();
  }, EVERY_MS);
}
