// What securities are called, as brokers told.

import { h } from "./dom.js";

let names = {};

// Whether anything is called otherwise than before.
export function learn(told) {
  if (!told || told === names) return false;
  names = told;
  return true;
}

export const nameOf = (code) => names[code] ?? "";

// 平安银行 000001.SZ; what a signal names that is no security stays as it came.
export const security = (code) =>
  nameOf(code) ? h("span", { class: "security" }, h("b", {}, nameOf(code)), " ", h("span", { class: "num code" }, code)) : h("b", { class: "num" }, code);

export const matches = (code, text) => !text || code.toLowerCase().includes(text.toLowerCase()) || nameOf(code).includes(text);
