// What the views show: asked for once, and again when the service tells that a part of it has changed.

import { changes, get } from "./server.js";

const sources = new Map();
const found = new Map();
const stale = new Set();
// Fetched while a question is open: what changed and changed back within it is not told, and may have been seen half-way.
const between = new Set();

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
  wanted.forEach((name) => between.add(name));
  answers.forEach((answer, n) => (answer.status === "fulfilled" ? found.set(wanted[n], answer.value) : stale.add(wanted[n])));
  const failed = answers.find((answer) => answer.status === "rejected");
  if (failed) throw failed.reason;
}

// One question: which parts have changed since `at`. Gives the name of its answer, and whether there is anything to fetch.
export async function next(at, waits) {
  between.clear();
  const seen = await changes(at, waits);
  const parts = new Set(seen.parts);
  for (const [name, { parts: by }] of sources) if (between.has(name) || by.some((part) => parts.has(part))) stale.add(name);
  return { at: seen.at, changed: seen.parts.length > 0 || between.size > 0 };
}
