// Drift: each book beside its target and the causes that add up to it; repairs, and changes of books.

import { clock, count, day, h, money, price } from "./dom.js";
import { form, open } from "./dialogs.js";
import { both, half, language, t, why } from "./i18n.js";
import { security } from "./names.js";
import { passes, sideTag } from "./parts.js";
import { get, me, post, setMe } from "./server.js";

const shares = (text) => (text === null ? "–" : String(Number(text)));
const field = (label, input) => h("label", { class: "field" }, h("span", {}, label), input);
const quiet = (key, label, onclick) => h("button", { type: "button", class: "quiet", "data-key": key, onclick }, label);

export async function loadDrift() {
  const [rows, reports] = await Promise.all([get("/api/drift"), get("/api/drift/reports")]);
  return { rows, reports };
}

// -- the table ----------------------------------------------------------------------------------------------------

function cause(line) {
  const about = [why(line), line.day && `${t("expected_on")} ${line.day}`,
    line.order_id ? `#${line.order_id}` : line.signal_id ? `${t("signal_of")} ${line.signal_id}` : null];
  return h("p", { class: "small" }, h("b", { class: "num" }, shares(line.shares)), " ",
    h("span", { class: line.cause === "unexplained" ? "bad" : "" }, language() === "zh" ? line.zh : line.cause),
    h("span", { class: "dim" }, ` ${about.filter(Boolean).join(" · ")}`));
}

function age(minutes) {
  if (minutes < 60) return `${minutes} ${t("minutes")}`;
  return minutes < 48 * 60 ? `${Math.round(minutes / 60)} ${t("hours")}` : `${Math.round(minutes / 1440)} ${t("days")}`;
}

function reportLine(report, filter, done) {
  const told = report.made_at
    ? `${t("report_of")} ${day(report.made_at)} ${clock(report.made_at)}${language() === "zh" ? "（" : " ("}${age(report.age_minutes)}${t("ago")}${language() === "zh" ? "）" : ")"}`
    : t("no_report");
  return h("p", { class: "row spread small" },
    h("span", {}, h("b", {}, report.strategy), h("span", { class: "dim" }, ` ${told}`),
      report.made_at && report.order_since ? h("span", { class: "warn" }, ` ${t("order_since")}`) : null),
    quiet(`p${report.strategy}`, t("repair"), () => repairDialog({ strategy: report.strategy, account: filter.account || null }, done)));
}

export function driftPanel(drift, filter, strategies, done) {
  if (!drift) return h("p", { class: "empty" }, t("loading"));
  const mine = (r) => !filter.strategy || r.strategy === filter.strategy;
  const kept = drift.rows.filter((r) => passes(filter, r.strategy, r.account, r.security));
  const top = h("div", { class: "over" }, drift.reports.filter(mine).map((report) => reportLine(report, filter, done)),
    h("p", { class: "row end" }, quiet("acts", t("acts"), () => actsDialog(done))));
  if (!kept.length) return [top, h("p", { class: "empty" }, t("none_drift"))];
  const head = ["security", "drift_shares", "yuan", "target", "book", "working", "causes"];
  const change = (r) => bookDialog({ account: r.account, security: r.security, strategy: r.strategy, shares: r.book + r.missing }, strategies, done);
  const line = (r) => h("tr", {},
    h("td", {}, security(r.security), h("p", { class: "dim small" }, `${r.account} · ${r.strategy}`),
      quiet(`b${r.account}/${r.strategy}/${r.security}`, t("change_book"), () => change(r))),
    h("td", { class: "num c-volume" }, h("b", {}, shares(r.drift))), h("td", { class: "num c-price" }, money(r.yuan)),
    ...[r.target, r.book, r.working].map((n) => h("td", { class: "num c-volume" }, shares(n))), h("td", {}, r.causes.map(cause)));
  return [top, h("div", { class: "scroll" }, h("table", {},
    h("thead", {}, h("tr", {}, head.map((key) => h("th", { scope: "col", class: ["security", "causes"].includes(key) ? "" : "c-volume" }, t(key))))), h("tbody", {}, kept.map(line))))];
}

// -- repairs: the plan that is shown is the plan that is confirmed, by its name, within a minute ------------------------

function item(i) {
  return h("div", {}, sideTag(i.side), " ", security(i.security), " ",
    h("span", { class: "num" }, `${count(i.volume)} @ ${price(i.price)}`), h("span", { class: "dim" }, ` ${i.account}`), " ",
    i.outcome ? h("span", { class: `badge outcome-${i.outcome}` }, t(`outcome_${i.outcome}`)) : null,
    i.off_book ? h("span", { class: "small warn" }, ` ${t("off_book")} ${count(i.off_book)}`) : null,
    h("span", { class: "why" }, ` ${both(i)}`), verdicts(i.verdicts));
}

function verdicts(rows) {
  const failed = rows.filter((v) => !["pass", "skip"].includes(v.outcome));
  const passed = rows.filter((v) => v.outcome === "pass");
  return [failed.map((v) => h("span", { class: "small why" }, ` ${t(v.rule)}: ${both(v)}`)),
    passed.length ? h("details", { class: "small" }, h("summary", {}, `${t("checks")} · ${passed.length} ${t("passed")}`),
      h("span", { class: "dim" }, passed.map((v) => t(v.rule)).join(" · "))) : null];
}

// What only a person can decide; deciding it makes another plan.
function decisions(plan, said, anew) {
  const words = [...new Set([...said, ...plan.kept.flatMap((k) => k.words)])].sort();
  const choose = (word) => (event) => {
    event.target.closest("dialog").close();
    anew(event.target.checked ? [...said, word] : said.filter((w) => w !== word));
  };
  return words.map((word) => h("label", { class: "choice" },
    h("input", { type: "checkbox", "data-word": word, checked: said.includes(word), onchange: choose(word) }), t(`word_${word}`)));
}

export async function repairDialog(of, done, said = []) {
  let plan = null;
  try {
    plan = await post("/api/repair/plan", { ...of, words: said });
  } catch (error) {
    open(t("repair"), h("p", { class: "bad" }, half(error.message)));
    return;
  }
  const title = `${t("repair")} · ${of.strategy}${of.account ? ` · ${of.account}` : ""}`;
  const kept = plan.kept.map((k) => h("p", { class: "dim small" }, security(k.security), h("span", { class: "num" }, ` ${shares(k.shares)}`), ` ${k.account} · ${both(k)}`,
    k.off_book ? h("span", { class: "warn" }, ` ${t("off_book")} ${count(k.off_book)}`) : null));
  const cash = plan.money.map((m) => h("p", { class: "small num" }, `${m.account}: ${t("cash")} ${money(m.cash)} · ${t("sells_bring")} ${money(m.sells_bring)} · ${t("buys_need")} ${money(m.buys_need)}`));
  const asked = decisions(plan, said, (words) => repairDialog(of, done, words));
  if (!plan.items.length && !plan.kept.some((k) => k.off_book)) {
    open(title, [h("p", {}, t("nothing_to_repair")), kept, asked]);
    return;
  }
  const name = h("p", { class: "dim small num" }, `${t("plan")} ${plan.plan} · ${t("good_until")} ${clock(plan.good_until)}`);
  form(title, [name, plan.items.map(item), cash, kept, asked], {
    danger: true, label: t("carry_out"),
    act: async () => {
      await post("/api/repair", { strategy: of.strategy, plan: plan.plan, who: me() || "console" });
      done();
    },
  });
}

// -- books: adopted, set, moved, and taken back ---------------------------------------------------------------------------

function signature() {
  return [field(t("who"), h("input", { name: "who", required: true, maxlength: "64", value: me() })),
    field(t("why_so"), h("input", { name: "why", required: true, maxlength: "400" }))];
}

async function sign(path, body, data, done) {
  setMe(data.who);
  await post(path, { ...body, who: data.who, why: data.why });
  done();
}

const chosen = (name, label, strategies, value) =>
  field(label, h("select", { name }, strategies.map((s) => h("option", { value: s, selected: s === value }, s))));
const volume = (value, most, least = 1) =>
  field(t("volume"), h("input", { name: "shares", type: "number", min: String(least), max: String(most), step: "1", required: true, value: String(value) }));

export function adoptDialog(held, strategies, done) {
  const most = held.volume - held.booked;
  const fields = [
    h("p", {}, security(held.security), h("span", { class: "dim" }, ` ${held.account} · ${t("outside")} ${count(most)}`)),
    chosen("strategy", t("strategy"), strategies), volume(most, most), signature(),
  ];
  form(t("adopt"), fields, {
    label: t("adopt"),
    act: (data) => sign("/api/books/adopt", { account: held.account, security: held.security, strategy: data.strategy, shares: Number(data.shares) }, data, done),
  });
}

// What a book holds from now on, or what of it becomes another's.
export function bookDialog(of, strategies, done) {
  const more = h("div", {});
  const one = of.strategy ? [of.strategy] : strategies;
  const choose = (what) => more.replaceChildren(...(what === "set"
    ? [chosen("strategy", t("strategy"), one, of.strategy), volume(of.shares, 1e10, 0)]
    : [chosen("giver", t("giver"), one, of.strategy), chosen("taker", t("taker"), strategies.filter((s) => s !== of.strategy)), volume(Math.max(of.shares, 1), 1e10)]));
  const choices = ["set", "move"].map((what) => h("label", { class: "choice" },
    h("input", { type: "radio", name: "what", value: what, required: true, checked: what === "set", onchange: () => choose(what) }), t(`book_${what}`)));
  choose("set");
  const fields = [h("p", {}, security(of.security), h("span", { class: "dim" }, ` ${of.account}`)),
    h("fieldset", {}, h("legend", { class: "sr" }, t("change_book")), choices), more, signature(), h("p", { class: "small dim" }, t("book_checked"))];
  form(t("change_book"), fields, {
    danger: true, label: t("change_book"),
    act: (data) => {
      const whose = data.what === "set" ? { strategy: data.strategy } : { giver: data.giver, taker: data.taker };
      return sign(`/api/books/${data.what}`, { account: of.account, security: of.security, shares: Number(data.shares), ...whose }, data, done);
    },
  });
}

function undoDialog(act, done) {
  form(`${t("undo")} ${act.act}`, [act.bookings.map(booking), signature()], {
    danger: true, label: t("undo"), act: (data) => sign("/api/books/undo", { act: act.act }, data, done),
  });
}

const booking = (b) => h("p", { class: "small num" }, `${b.account} · ${b.strategy} · `, security(b.security), ` ${b.shares > 0 ? "+" : ""}${count(b.shares)}`);
const UNDOABLE = ["set", "move", "adopt", "hand"];

// Everything that changed a book and was no fill, the newest first.
export async function actsDialog(done) {
  let acts = null;
  try {
    acts = (await get("/api/books/acts?limit=100")).reverse();
  } catch (error) {
    open(t("acts"), h("p", { class: "bad" }, half(error.message)));
    return;
  }
  const undo = (act) => (event) => {
    event.target.closest("dialog").close();
    undoDialog(act, done);
  };
  const row = (act) => {
    const [first] = act.bookings;
    const can = !act.undone && first.undoes === null && UNDOABLE.includes(first.kind);
    return h("article", { class: "card" },
      h("div", { class: "row spread" },
        h("span", {}, h("b", { class: "num" }, `${act.act}`), ` ${t(first.undoes === null ? `act_${first.kind}` : "undo")}`, act.undone ? h("span", { class: "dim" }, ` ${t("undone")}`) : null),
        can ? quiet(`u${act.act}`, t("undo"), undo(act)) : null),
      act.bookings.map(booking),
      h("p", { class: "dim small" }, `${day(first.at)} ${clock(first.at)} · ${first.who} · ${first.why}`));
  };
  open(t("acts"), acts.length ? acts.map(row) : h("p", { class: "empty" }, t("none_acts")), { wide: true });
}

// What an account holds and no book, or the other way round.
export function strayRows(broker, strategies, done) {
  const row = (held) => h("p", { class: "small dim num" },
    `${held.account} · `, security(held.security), ` · ${t("held")} ${count(held.volume)} · ${t("outside")} ${count(held.volume - held.booked)} `,
    held.volume > held.booked ? quiet(`a${held.account}/${held.security}`, t("adopt"), () => adoptDialog(held, strategies, done)) : null,
    quiet(`c${held.account}/${held.security}`, t("change_book"), () => bookDialog({ account: held.account, security: held.security, shares: 0 }, strategies, done)));
  return [broker.filter((held) => held.volume !== held.booked).map(row),
    h("p", { class: "row end" }, quiet("acts", t("acts"), () => actsDialog(done)))];
}
