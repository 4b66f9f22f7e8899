// Curves over days, drawn by uPlot, which is fetched from this service when the first one is.

import { h, money } from "./dom.js";
import { t } from "./i18n.js";

let fetching = null;

const library = () =>
  (fetching ??= new Promise((ready, failed) => {
    const script = h("script", { src: "/static/uplot.js", onload: () => ready(window.uPlot), onerror: failed });
    document.head.append(script);
  }));

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const noon = (day) => Date.parse(`${day}T12:00:00+08:00`) / 1000;
const date = (seconds) => new Date(seconds * 1000 + 8 * 3600_000).toISOString().slice(0, 10);
// As many places as tell one tick from the next.
function ticks(_, yuan) {
  const most = Math.max(...yuan.map(Math.abs));
  const [unit, name] = most >= 1e8 ? [1e8, t("hundred_million")] : most >= 1e4 ? [1e4, t("ten_thousand")] : [1, ""];
  const step = yuan.length > 1 ? Math.abs(yuan[1] - yuan[0]) / unit : 1;
  const places = Math.min(Math.max(Math.ceil(-Math.log10(step)), 0), 4);
  return yuan.map((one) => `${(one / unit).toFixed(places)}${name}`);
}
const HEIGHT = 180;

function options(width) {
  const axis = { stroke: colour("dim"), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
  return {
    width, height: HEIGHT, padding: [8, 12, 0, 0],
    cursor: { y: false, points: { size: 7 } },
    scales: { x: { time: true } },
    axes: [
      { ...axis, space: 70, size: 28, incrs: [1, 2, 5, 7, 14, 30, 60, 90, 180, 365].map((d) => d * 86400), values: (_, days) => days.map((at) => date(at).slice(5)) },
      { ...axis, size: 74, values: ticks },
    ],
    series: [
      { label: t("day"), value: (plot, at) => date(at ?? plot.data[0].at(-1)) },
      { label: t("yuan_unit"), stroke: colour("blue"), width: 2, fill: colour("blue-soft"), points: { show: false }, value: (plot, yuan) => money(yuan ?? plot.data[1].at(-1)) },
    ],
  };
}

// A card with one curve; `points` are days with yuan, oldest first.
export function curve(title, points) {
  const last = points.length ? Number(points[points.length - 1].value) : null;
  const place = h("div", { class: "plot", role: "img", "aria-label": `${title}: ${last === null ? "–" : money(last)}` });
  const card = h("article", { class: "card" }, h("div", { class: "row spread" }, h("b", {}, title), h("span", { class: "num" }, last === null ? "–" : money(last))), place);
  if (points.length < 2) {
    place.append(h("p", { class: "empty" }, t("curve_begins")));
    return card;
  }
  const data = [points.map((p) => noon(p.day)), points.map((p) => Number(p.value))];
  let plot = null;
  const fit = new ResizeObserver(async () => {
    const width = place.clientWidth;
    if (!width) return;
    if (plot) {
      if (plot.width !== width) plot.setSize({ width, height: HEIGHT });
      return;
    }
    const UPlot = await library();
    if (plot || !place.isConnected) return;
    plot = new UPlot(options(width), data, place);
  });
  fit.observe(place);
  return card;
}
