// Building the page: every text goes in as text, so nothing that came with a signal is ever read as HTML.

export function h(tag, props = {}, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) el.addEventListener(name.slice(2), value);
    else if (name === "class") el.className = value;
    else if (name === "value") el.value = value;
    else el.setAttribute(name, value === true ? "" : value);
  }
  el.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return el;
}

export const byId = (id) => document.getElementById(id);

const shown = new Map();

// Draws `build()` into the element when `data` is not what it shows already: focus and selection stay where they are.
export function draw(id, data, build) {
  const key = JSON.stringify(data);
  if (shown.get(id) === key) return;
  shown.set(id, key);
  const el = byId(id);
  const focus = el.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  el.replaceChildren(...[build()].flat(Infinity).filter(Boolean));
  if (focus) el.querySelector(`[data-key="${CSS.escape(focus)}"]`)?.focus();
}

export const forget = () => shown.clear();

const yuan = new Intl.NumberFormat("zh-CN", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const whole = new Intl.NumberFormat("zh-CN", { maximumFractionDigits: 0 });
export const money = (text) => (text === null ? "–" : yuan.format(text));
export const count = (n) => whole.format(n);
// A price as it was sent, with two decimals at least and no idle zeros after them.
export function price(text) {
  if (text === null) return "–";
  const [yuan, part = ""] = text.split(".");
  return `${yuan}.${part.replace(/0+$/, "").padEnd(2, "0")}`;
}

// The server's times carry +08:00: the clock of the exchange, wherever the browser is.
export const clock = (iso) => iso.slice(11, 19);
// Milliseconds as such a time: the exchange knows no summer time.
export const shanghai = (ms) => new Date(ms + 8 * 3600_000).toISOString();
export const day = (iso) => iso.slice(0, 10);
