// Drift: each book beside its target and the causes that add up to it; repairs, and shares that no book holds.

import { clock, count, day, h, money, price } from "./dom.js";
import { form, open } from "./dialogs.js";
import { both, half, language, t } from "./i18n.js";
import { sideTag } from "./parts.js";
import { post } from "./server.js";

const shares = (text) => (text === null ? "–" : String(Number(text)));

function cause(line) {
  const about = [line.reason && t(line.reason), line.day && `${t("expected_on")} ${line.day}`,
    line.order_id ? `#${line.order_id}` : line.signal_id ? `${t("signal_of")} ${line.signal_id}` : null];
  return h("p", { class: "small" }, h("b", { class: "num" }, shares(line.shares)), " ",
    language() === "zh" ? line.zh : line.cause, h("span", { class: "dim" }, ` ${about.filter(Boolean).join(" · ")}`));
}

export function driftPanel(rows, filter, strategies, repair) {
  const kept = rows.filter((r) => (!filter.strategy || r.strategy === filter.strategy) && (!filter.account || r.account === filter.account));
  const ages = strategies.filter((s) => !filter.strategy || s === filter.strategy).map((s) => {
    const at = rows.find((r) => r.strategy === s)?.reported_at;
    return h("p", { class: "row spread small" },
      h("span", {}, h("b", {}, s), h("span", { class: "dim" }, ` ${at ? `${t("report_of")} ${day(at)} ${clock(at)}` : t("no_report")}`)),
      h("button", { type: "button", class: "quiet", "data-key": `p${s}`, onclick: () => repair(s) }, t("repair")));
  });
  if (!kept.length) return [ages, h("p", { class: "empty" }, t("none_drift"))];
  const head = ["security", "target", "book", "working", "drift_shares", "yuan", "causes"];
  const line = (r) => h("tr", {},
    h("td", {}, h("b", { class: "num" }, r.security), h("p", { class: "dim small" }, `${r.account} · ${r.strategy}`)),
    ...[r.target, r.book, r.working, r.drift].map((n) => h("td", { class: "num c-volume" }, shares(n))),
    h("td", { class: "num c-price" }, money(r.yuan)), h("td", {}, r.causes.map(cause)));
  return [ages, h("div", { class: "scroll" }, h("table", {},
    h("thead", {}, h("tr", {}, head.map((key) => h("th", { scope: "col" }, t(key))))), h("tbody", {}, kept.map(line))))];
}

function item(i) {
  return h("p", {}, sideTag(i.side), " ", h("b", { class: "num" }, i.security), " ",
    h("span", { class: "num" }, `${count(i.volume)} @ ${price(i.price)}`), h("span", { class: "dim" }, ` ${i.account}`), " ",
    i.outcome ? h("span", { class: `badge outcome-${i.outcome}` }, t(`outcome_${i.outcome}`)) : null,
    i.off_book ? h("span", { class: "small warn" }, ` ${t("off_book")} ${count(i.off_book)}`) : null,
    h("span", { class: "why" }, ` ${both(i)}`));
}

// The plan that is shown is the plan that is confirmed: by its name, within a minute.
export async function repairDialog(strategy, done) {
  let plan = null;
  try {
    plan = await post("/api/repair/plan", { strategy });
  } catch (error) {
    open(t("repair"), h("p", { class: "bad" }, half(error.message)));
    return;
  }
  const kept = plan.kept.map((k) => h("p", { class: "dim small" }, h("span", { class: "num" }, `${k.security} ${shares(k.shares)}`), ` ${k.account} · ${both(k)}`));
  const cash = plan.money.map((m) => h("p", { class: "small num" }, `${m.account}: ${t("cash")} ${money(m.cash)} · ${t("sells_bring")} ${money(m.sells_bring)} · ${t("buys_need")} ${money(m.buys_need)}`));
  const fields = [h("p", { class: "dim small num" }, `${t("plan")} ${plan.plan} · ${t("good_until")} ${clock(plan.good_until)}`), plan.items.map(item), cash, kept];
  const something = plan.items.length || plan.kept.some((k) => k.off_book);
  if (!something) {
    open(`${t("repair")} · ${strategy}`, [h("p", {}, t("nothing_to_repair")), kept]);
    return;
  }
  form(`${t("repair")} · ${strategy}`, fields, {
    danger: true, label: t("carry_out"),
    act: async () => {
      await post("/api/repair", { strategy, plan: plan.plan, who: "console" });
      done();
    },
  });
}

export function adoptDialog(held, strategies, done) {
  const most = held.volume - held.booked;
  const field = (label, input) => h("label", { class: "field" }, h("span", {}, label), input);
  const fields = [
    h("p", {}, h("b", { class: "num" }, held.security), h("span", { class: "dim" }, ` ${held.account} · ${t("outside")} ${count(most)}`)),
    field(t("strategy"), h("select", { name: "strategy" }, strategies.map((s) => h("option", { value: s }, s)))),
    field(t("volume"), h("input", { name: "shares", type: "number", min: "1", max: String(most), step: "1", required: true, value: String(most) })),
    field(t("who"), h("input", { name: "who", required: true, maxlength: "64" })),
    field(t("why_so"), h("input", { name: "why", required: true, maxlength: "400" })),
  ];
  form(t("adopt"), fields, {
    label: t("adopt"),
    act: async (data) => {
      await post("/api/books/adopt", { ...data, shares: Number(data.shares), account: held.account, security: held.security });
      done();
    },
  });
}
