// The head, the alarms, the accounts and the positions.

import { clock, count, h, money, price } from "./dom.js";
import { both, t, why } from "./i18n.js";
import { security } from "./names.js";
import { pair, sideTag } from "./parts.js";

export function chips({ accounts, relay }) {
  const rows = accounts.map((a) => chip(a.account, a.ready, why(a) || t("ready"), t(a.ready ? "ready" : "not_ready")));
  return relay ? [...rows, relayChip(relay)] : rows;
}

function chip(name, good, title, told) {
  return h(
    "span",
    { class: `chip ${good ? "good" : "bad"}`, title },
    h("i", { class: "dot", "aria-hidden": "true" }),
    name,
    h("span", { class: "sr" }, ` ${told}`),
  );
}

function relayChip(relay) {
  const state = `${t(relay.connected ? "relay_up" : "relay_down")} ${t("since")} ${clock(relay.since)}`;
  const last = relay.last_at ? [`${t("relay_last")} ${clock(relay.last_at)} (+${relay.lag_s.toFixed(1)} s)`] : [];
  const told = [state, `${t("relay_waiting")} ${relay.waiting}`, ...last, `${t("relay_clock")} ${relay.ahead_s.toFixed(1)} s`];
  return chip(relay.waiting ? `${t("relay")} ${relay.waiting}` : t("relay"), relay.connected, told.join(" · "), told.join(" · "));
}

export function notices(status, resume) {
  const rows = status.pauses.map((pause) => {
    const where = [pause.strategy && `${t("strategy")} ${pause.strategy}`, pause.account && `${t("account")} ${pause.account}`];
    return h(
      "div",
      { class: "notice warning" },
      h("span", {}, t("pausing"), " · ", where.filter(Boolean).join(" · ") || t("all"), " · ", t("since"), " ", clock(pause.since)),
      h(
        "button",
        {
          type: "button", class: "quiet", "data-key": `r${pause.strategy}/${pause.account}`,
          onclick: () => resume({ strategy: pause.strategy, account: pause.account }),
        },
        t(pause.strategy || pause.account ? "resume" : "resume_all"),
      ),
    );
  });
  return [...status.notices.map((n) => h("div", { class: `notice ${n.level}` }, h("span", {}, both(n)))), ...rows];
}

export function unknownRows(unknown, settle, show) {
  return unknown.map(({ attempt, order }) =>
    h(
      "article",
      { class: "card" },
      h("p", {}, security(attempt.security), " ", sideTag(attempt.side), " ",
        h("span", { class: "num" }, `${count(attempt.volume)} @ ${price(attempt.price)}`)),
      h("p", { class: "dim" }, `${attempt.account} · ${order.strategy} · `, h("span", { class: "num" }, `${clock(attempt.created_at)} · ${attempt.remark}`)),
      h("div", { class: "row" },
        h("button", { type: "button", class: "danger", "data-key": `s${attempt.attempt_id}`, onclick: () => settle(attempt, order) }, t("settle")),
        h("button", { type: "button", class: "quiet", "data-key": `h${attempt.attempt_id}`, onclick: () => show(order.order_id) }, t("history"))),
    ),
  );
}

export function accountCards(accounts) {
  return accounts.map((a) =>
    h(
      "article",
      { class: "card" },
      h("div", { class: "row spread" },
        h("b", {}, a.account, " ", h("span", { class: `tag ${a.real ? "real" : ""}` }, t(a.real ? "real" : "paper")),
          a.account_id ? h("span", { class: "dim num" }, ` ${a.account_id}`) : null),
        h("span", { class: a.ready ? "good" : "bad" }, h("i", { class: "dot", "aria-hidden": "true" }), t(a.ready ? "ready" : "not_ready"))),
      a.ready ? null : h("p", { class: "bad small" }, why(a)),
      a.asset
        ? h("dl", { class: "grid" },
            pair(t("total"), money(a.asset.total), "big"), pair(t("cash"), money(a.asset.cash)),
            pair(t("value"), money(a.asset.market_value)), pair(t("frozen"), money(a.asset.frozen)))
        : h("p", { class: "dim small" }, t("no_snapshot")),
      h("p", { class: "dim small num" },
        `${a.day} · ${t("attempts")} ${a.attempts} · ${t("cancels")} ${a.cancels} · ${t("turnover")} ${money(a.turnover)}`,
        a.asset ? ` · ${t("snapshot")} ${clock(a.asset.taken_at)}` : ""),
    ),
  );
}

export const tone = (text) => (text === null ? "" : Number(text) > 0 ? "up" : Number(text) < 0 ? "down" : "");

export function positionRows({ items, broker }, stray) {
  const groups = new Map();
  for (const book of items) {
    const key = `${book.strategy} · ${book.account}`;
    groups.set(key, [...(groups.get(key) ?? []), book]);
  }
  if (!items.length && !broker.some((held) => held.volume !== held.booked)) return h("p", { class: "empty" }, t("none_positions"));
  const head = ["security", "volume", "cost", "last", "profit"];
  const sections = [...groups].map(([name, books]) => [
    h("tr", { class: "group" }, h("th", { colspan: "5", scope: "colgroup" }, name)),
    books.map((b) =>
      h("tr", {},
        h("td", {}, security(b.security)), h("td", { class: "num c-volume" }, count(b.volume)),
        h("td", { class: "num c-price" }, price(b.avg_cost)), h("td", { class: "num c-price" }, price(b.last)),
        h("td", { class: `num c-price ${tone(b.profit)}` }, money(b.profit)))),
  ]);
  return [
    items.length
      ? h("div", { class: "scroll" }, h("table", { class: "tight" },
          h("thead", {}, h("tr", {}, head.map((key) => h("th", { scope: "col", class: `c-${key === "security" ? key : "price"}` }, t(key))))),
          h("tbody", {}, sections)))
      : null,
    stray(broker),
  ];
}
