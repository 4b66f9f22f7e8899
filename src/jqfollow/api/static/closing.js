// Everything is sold out: what would be done is shown, and done when the account's name was typed.

import { clock, count, day, h } from "./dom.js";
import { both, half, t } from "./i18n.js";
import { form, open } from "./dialogs.js";
import { security } from "./names.js";
import { Unanswered, get, post } from "./server.js";

const named = (scope) => [scope.strategy && `${t("strategy")} ${scope.strategy}`, scope.account && `${t("account")} ${scope.account}`].filter(Boolean).join(" · ");

function held(one) {
  const notes = [
    one.buying ? `${t("close_buying")} ${count(one.buying)}` : null,
    one.later ? `${t("close_later")} ${count(one.later)}` : null,
    one.under_way ? t("close_under_way") : null,
    one.followed ? null : t("close_not_followed"),
  ].filter(Boolean);
  return h("p", {}, security(one.security), " ", h("span", { class: "num" }, count(one.volume)), h("span", { class: "dim" }, ` ${one.account} · ${one.strategy}`),
    notes.length ? h("span", { class: "small warn" }, ` ${notes.join(" · ")}`) : null);
}

// `key` names this opening of the dialog: pressed again after no answer, nothing is sold twice.
export async function closeDialog(scope, done) {
  const asked = Object.fromEntries(Object.entries(scope).filter(([, value]) => value));
  const title = `${t("close_all")} · ${named(scope)}`;
  let told = null;
  try {
    told = await get(`/api/close?${new URLSearchParams(asked)}`);
  } catch (error) {
    open(title, h("p", { class: "bad" }, half(error.message)));
    return;
  }
  const key = crypto.randomUUID();
  const input = h("input", { name: "confirm", required: true, autocomplete: "off", spellcheck: "false" });
  const waits = Object.entries(told.opens_at).map(([name, at]) => h("p", { class: "warn small" }, `${name}: ${at ? `${t("close_opens")} ${day(at)} ${clock(at)}` : t("close_unknown_open")}`));
  const down = Object.entries(told.down).map(([name, why]) => h("p", { class: "bad small" }, `${name}: ${t("not_ready")}, ${half(why)}`));
  const fields = [
    h("ol", { class: "plain" }, h("li", {}, `${t("close_pauses")} ${named(scope)}`), h("li", {}, `${t("close_cancels")} ${told.to_cancel}`), h("li", {}, t("close_sells"))),
    told.held.length ? h("div", { class: "list" }, told.held.map(held)) : h("p", { class: "dim" }, t("close_nothing")),
    down, waits,
    h("label", { class: "field" }, h("span", {}, t("close_confirm"), " ", h("b", { class: "num" }, told.confirm)), input),
  ];
  form(title, fields, {
    danger: true, label: t("close_all"),
    act: async (data) => {
      try {
        const orders = await post("/api/close", { ...asked, confirm: data.confirm, key });
        done();
        open(title, h("p", {}, `${t("close_done")} ${orders.length}`));
      } catch (error) {
        if (!(error instanceof Unanswered)) throw error;
        throw new Error(both({ zh: "没有收到答复，不知道是否已清仓。再点一次不会重复卖出", en: "no answer: nobody knows whether it was done. Once more sells nothing twice" }));
      }
    },
  });
}
