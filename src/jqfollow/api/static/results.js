// What the strategies brought and how the accounts went, over days.

import { draw, h, money } from "./dom.js";
import { language, t } from "./i18n.js";
import { has, path, source } from "./feed.js";
import { curve } from "./charts.js";
import { tone } from "./panels.js";

const SPANS = ["day", "week", "all"];

source("results", ["books", "accounts"], path("/api/results"));
matchMedia("(prefers-color-scheme: light)").addEventListener("change", () => drawn && drawCurves(drawn, "anew"));

export const needs = () => ["results"];
let drawn = null;

const percent = (ratio) => (ratio === null ? "–" : `${(Number(ratio) * 100).toFixed(2)} %`);
const cell = (text, shown = money(text)) => h("td", { class: `num c-price ${tone(text)}` }, shown);

function table(standings) {
  if (!standings.length) return h("p", { class: "empty" }, t("none_results"));
  const head = ["span", "result", "percent", "realised", "floating", "fees", "drawdown", "invested"];
  const line = (one, span) => {
    const of = one[span];
    return h("tr", {}, h("td", {}, t(`span_${span}`)), cell(of.result), cell(of.ratio, percent(of.ratio)), cell(of.realised),
      span === "all" ? cell(one.floating) : h("td", { class: "num c-price dim" }, ""), h("td", { class: "num c-price dim" }, money(of.fees)),
      h("td", { class: "num c-price" }, money(of.drawdown)), h("td", { class: "num c-price dim" }, money(of.invested)));
  };
  return h("div", { class: "scroll" }, h("table", { class: "tight" },
    h("thead", {}, h("tr", {}, head.map((key) => h("th", { scope: "col", class: key === "span" ? "" : "c-price" }, t(key))))),
    h("tbody", {}, standings.map((one) => [
      h("tr", { class: "group" }, h("th", { colspan: String(head.length), scope: "colgroup" }, `${one.strategy} · ${one.account}`,
        h("span", { class: "dim small num" }, ` ${one.last}`))),
      SPANS.map((span) => line(one, span))]))));
}

function drawCurves(told, anew) {
  drawn = told;
  draw("account-curves", [told.accounts, language(), anew], () => told.accounts.map((one) => curve(`${one.account} · ${t("total")}`, one.curve)));
  draw("strategy-curves", [told.standings.map((s) => s.curve), language(), anew], () =>
    told.standings.map((one) => curve(`${one.strategy} · ${one.account}`, one.curve)));
}

export function render() {
  const told = has("results");
  if (!told) return;
  draw("standings", [told.standings, language()], () => table(told.standings));
  drawCurves(told, "");
}
