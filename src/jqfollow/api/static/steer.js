// What a person can stop, cancel and sell out, who did what, and what was told.

import { clock, day, draw, h } from "./dom.js";
import { half, language, t } from "./i18n.js";
import { has, path, source } from "./feed.js";
import { askFirst } from "./dialogs.js";
import { closeDialog } from "./closing.js";
import { logOut, me, post, setMe } from "./server.js";

source("deeds", ["deeds"], path("/api/deeds?limit=50"));
source("messages", ["messages"], path("/api/messages?limit=50"));

export const needs = () => ["deeds", "messages"];

const all = (status) => [
  { strategy: "", account: "" },
  ...status.accounts.map((a) => ({ strategy: "", account: a.account })),
  ...status.strategies.map((s) => ({ strategy: s.strategy, account: "" })),
  ...status.strategies.flatMap((s) => (Object.keys(s.follow).length > 1 ? Object.keys(s.follow).map((account) => ({ strategy: s.strategy, account })) : [])),
];

const label = ({ strategy, account }) => [strategy && `${t("strategy")} ${strategy}`, account && `${t("account")} ${account}`].filter(Boolean).join(" · ") || t("everything");
const stands = (status, of, buys) => status.pauses.some((p) => p.buys === buys && ["", of.strategy].includes(p.strategy) && ["", of.account].includes(p.account));
const stopped = (status, of) => (stands(status, of, false) ? "paused" : stands(status, of, true) ? "paused_buys" : "running");

function scopeRow(of, status, page) {
  const key = `${of.strategy}/${of.account}`;
  const done = () => page.refresh("status", "deeds");
  const given = Object.fromEntries(Object.entries(of).filter(([, value]) => value));
  const ask = (what, text, act, danger = false) => askFirst(`${t(what)} · ${label(of)}`, text, async () => {
    await act();
    done();
  }, { label: t(what), danger });
  const button = (what, cls, onclick) => h("button", { type: "button", class: cls, "data-key": `${what}-${key}`, onclick }, t(what));
  const state = stopped(status, of);
  const now = (path, body) => async (event) => {
    event.target.disabled = true;
    try {
      await post(path, body);
    } catch (error) {
      askFirst(label(of), half(error.message), async () => {});
      event.target.disabled = false;
    }
    done();
  };
  return h("article", { class: "scope" },
    h("p", {}, h("b", {}, label(of)), " ", h("span", { class: `badge ${state}` }, t(state))),
    h("div", { class: "row" },
      state === "paused" ? null : button("pause_it", "quiet", now("/api/pause", of)),
      state === "running" ? button("pause_buys", "quiet", now("/api/pause", { ...of, buys: true })) : null,
      state === "running" ? null : button("resume_it", "quiet", () => ask("resume_it", t("resume_ask"), () => post("/api/resume", of))),
      button("cancel_all", "quiet", () => ask("cancel_all", t("cancel_all_ask"), () => post("/api/cancel-all", given), true)),
      of.strategy || of.account ? button("close_all", "danger", () => closeDialog(of, done)) : null));
}

const deed = (row) =>
  h("li", {}, h("time", { class: "num dim" }, `${day(row.at).slice(5)} ${clock(row.at)}`), h("b", {}, row.who), h("span", {}, t(`deed_${row.what}`)),
    h("span", { class: "dim" }, [row.strategy, row.account, row.detail].filter(Boolean).join(" · ")));

function message(row, page) {
  const again = () => askFirst(t("resend"), row.text.slice(0, 200), async () => {
    await post(`/api/messages/${row.outbox_id}/resend`);
    page.refresh("messages", "deeds");
  }, { label: t("resend") });
  return h("article", { class: "message" },
    h("p", { class: "row spread small dim" }, h("span", { class: "num" }, `#${row.outbox_id} · ${day(row.created_at).slice(5)} ${clock(row.created_at)}`),
      h("span", {}, h("span", { class: `badge message-${row.state}` }, t(`message_${row.state}`)), " ",
        h("button", { type: "button", class: "quiet", "data-key": `again-${row.outbox_id}`, onclick: again }, t("resend")))),
    h("p", { class: "text" }, row.text));
}

function signature() {
  const input = h("input", { name: "me", maxlength: "64", value: me(), placeholder: "console", autocomplete: "name", onchange: (event) => setMe(event.target.value.trim()) });
  const out = () => askFirst(t("log_out"), t("log_out_ask"), logOut, { label: t("log_out") });
  return [h("label", { class: "field" }, h("span", {}, t("me")), input),
    h("button", { type: "button", class: "quiet", "data-key": "logout", onclick: out }, t("log_out"))];
}

export function render(page) {
  const status = has("status");
  const stands = [status.pauses, status.strategies.map((s) => [s.strategy, s.follow]), status.accounts.map((a) => a.account), language()];
  draw("scopes", stands, () => all(status).map((of) => scopeRow(of, status, page)));
  draw("me", [language()], signature);
  const { deeds, messages } = { deeds: has("deeds"), messages: has("messages") };
  if (deeds) draw("deeds", [deeds, language()], () => (deeds.items.length ? h("ol", { class: "steps deeds" }, deeds.items.map(deed)) : h("p", { class: "empty" }, t("none_deeds"))));
  if (messages) draw("messages", [messages, language()], () => (messages.length ? messages.map((row) => message(row, page)) : h("p", { class: "empty" }, t("none_messages"))));
}
