// What the views show: asked for once, and again when the service tells that a part of it has changed.

import { changes, get } from "./server.js";

const sources = new Map();
const found = new Map();
const stale = new Set();

// `ask` gives what is shown; `parts` are what it changes with (see /api/changes).
export function source(name, parts, ask) {
  sources.set(name, { parts, ask });
  stale.add(name);
}

export const has = (name) => found.get(name) ?? null;
export const spoil = (...names) => names.forEach((name) => stale.add(name));
export const path = (text) => () => get(text);

// Fetches what of `names` is not as it stands now.
export async function load(names) {
  const wanted = names.filter((name) => stale.has(name));
  wanted.forEach((name) => stale.delete(name));
  const answers = await Promise.allSettled(wanted.map((name) => sources.get(name).ask()));
  answers.forEach((answer, n) => (answer.status === "fulfilled" ? found.set(wanted[n], answer.value) : stale.add(wanted[n])));
  const failed = answers.find((answer) => answer.status === "rejected");
  if (failed) throw failed.reason;
}

// One question: which parts have changed since `at`.
export async function next(at, waits) {
  const seen = await changes(at, waits);
  const parts = new Set(seen.parts);
  for (const [name, { parts: by }] of sources) if (by.some((part) => parts.has(part))) stale.add(name);
  return seen;
}
