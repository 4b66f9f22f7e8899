// Dialogs: an order's history, settling an unknown outcome, asking before something is done.

import { clock, count, h, price } from "./dom.js";
import { both, half, t, why } from "./i18n.js";
import { security } from "./names.js";
import { badge, orderBadge, pair, progress, sideTag } from "./parts.js";
import { Unanswered, get, post } from "./server.js";

export function open(title, content, { wide = false } = {}) {
  const dialog = h(
    "dialog",
    { class: wide ? "wide" : "", "aria-label": title },
    h("div", { class: "row spread" }, h("h2", {}, title),
      h("button", { type: "button", class: "quiet", "aria-label": t("close"), onclick: () => dialog.close() }, "✕")),
    content,
  );
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  // Never on what acts: Enter, pressed too early, must do nothing.
  dialog.querySelector("form input, form select, form button.quiet")?.focus();
  return dialog;
}

// A form in a dialog; `act` gets its data, and what it throws is shown in the form.
export function form(title, fields, { label = t("ok"), danger = false, act }) {
  const failed = h("p", { class: "bad", role: "alert" });
  const submit = h("button", { class: danger ? "danger" : "primary" }, label);
  let dialog = null;
  const body = h(
    "form",
    {
      autocomplete: "off",
      onsubmit: async (event) => {
        event.preventDefault();
        submit.disabled = true;
        failed.textContent = "";
        try {
          await act(Object.fromEntries(new FormData(body)));
          dialog.close();
        } catch (error) {
          failed.textContent = half(error.message);
          submit.disabled = false;
        }
      },
    },
    fields, failed,
    h("div", { class: "row end" }, h("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, t("back")), submit),
  );
  dialog = open(title, body);
}

export const askFirst = (title, text, act, options = {}) => form(title, h("p", {}, text), { act, ...options });

const field = (label, input) => h("label", { class: "field" }, h("span", {}, label), input);

export function settleDialog(attempt, order, done) {
  const more = h("div", {});
  const choose = (outcome) => {
    const broker = field(t("broker_id"), h("input", { name: "broker_order_id", required: outcome === "placed", maxlength: "64" }));
    const filled = field(t("filled_volume"), h("input", { name: "filled", type: "number", min: "0", max: String(attempt.volume), step: "1", required: true, value: "0" }));
    const average = field(t("avg_price"), h("input", { name: "price", type: "number", min: "0.001", step: "0.0001" }));
    more.replaceChildren(...(outcome === "placed" ? [broker] : outcome === "ended" ? [broker, filled, average] : []));
  };
  const choices = ["not_placed", "placed", "ended"].map((outcome) =>
    h("label", { class: "choice" }, h("input", { type: "radio", name: "outcome", value: outcome, required: true, onchange: () => choose(outcome) }), t(outcome)));
  const fields = [
    h("p", {}, security(attempt.security), " ", sideTag(attempt.side), " ", h("span", { class: "num" }, `${count(attempt.volume)} @ ${price(attempt.price)}`)),
    h("p", { class: "dim num" }, `${attempt.account} · ${order.strategy} · ${attempt.day} ${clock(attempt.created_at)} · ${attempt.remark}`),
    h("fieldset", {}, h("legend", { class: "sr" }, t("settle")), choices), more,
    h("p", { class: "small warn" }, t("settle_warn")),
  ];
  form(t("settle"), fields, {
    danger: true, label: t("settle"),
    act: async (data) => {
      const body = { outcome: data.outcome };
      if (data.broker_order_id) body.broker_order_id = data.broker_order_id;
      if (data.outcome === "ended") body.filled = Number(data.filled);
      if (data.outcome === "ended" && body.filled) body.price = data.price || null;
      await post(`/api/orders/${order.order_id}/settle`, body);
      done();
    },
  });
}

// An order to which no answer came keeps its key: confirmed again it is the same one, and not a second.
let unanswered = { text: "", key: "" };

function keyOf(order) {
  const text = JSON.stringify(order);
  if (unanswered.text !== text) unanswered = { text, key: crypto.randomUUID() };
  return unanswered.key;
}

// Name, price, and what it comes to: seen before it is confirmed.
async function preview(order, into) {
  try {
    const told = await get(`/api/preview?${new URLSearchParams({ account: order.account, security: order.security })}`);
    const at = Number(order.price ?? told.last);
    const value = at * order.volume;
    const share = told.total && at ? ` · ${t("share_of_account")} ${((value / Number(told.total)) * 100).toFixed(1)} %` : "";
    into.replaceChildren(
      h("p", {}, h("b", {}, told.name ?? ""), " ", h("span", { class: "num" }, told.security), told.last ? ` · ${t("last")} ` : "",
        h("span", { class: "num" }, told.last ? price(told.last) : "")),
      at ? h("p", { class: "num" }, `≈ ${value.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 })} ${t("yuan_unit")}${share}`) : h("p", { class: "warn" }, t("no_price_now")),
    );
  } catch (error) {
    into.replaceChildren(h("p", { class: "warn" }, half(error.message)));
  }
}

export function confirmOrder(order, account, done) {
  const id = h("input", { name: "confirm", required: true, inputmode: "numeric", autocomplete: "off" });
  const key = keyOf(order);
  const seen = h("div", { class: "preview", "aria-live": "polite" });
  const fields = [
    h("p", { class: "summary" }, sideTag(order.side), " ", security(order.security), " ",
      h("span", { class: "num" }, `${count(order.volume)} @ ${order.price ?? t("limit_hint")}`)),
    seen,
    h("p", { class: "dim" }, `${order.account} · ${order.strategy}`),
    account.real ? field(t("confirm_real"), id) : null,
  ];
  form(t("confirm_title"), fields, {
    label: t("place"), danger: account.real,
    act: async (data) => {
      try {
        const orders = await post("/api/orders", account.real ? { ...order, confirm: data.confirm } : order, key);
        unanswered = { text: "", key: "" };
        done(orders);
      } catch (error) {
        if (!(error instanceof Unanswered)) throw error;
        throw new Error(both({ zh: "没有收到答复，不知道是否已下单。再点一次“下单”不会重复；也可以先看“未完成”", en: "no answer: nobody knows whether it was placed. Placing it again makes no second order" }));
      }
    },
  });
  preview(order, seen);
}

const steps = (detail) => [
  ...detail.events.map((e) => ({ at: e.at, kind: "event", e })),
  ...detail.decisions.map((d) => ({ at: d.made_at, kind: "decision", d })),
].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));

function step({ at, kind, e, d }) {
  const time = h("time", { class: "num dim" }, clock(at));
  if (kind === "event") {
    const order = e.attempt_id === null;
    return h("li", {}, time, badge(e.after, { attempt: !order }), h("span", {}, order ? "" : t(e.event)), h("span", { class: "dim" }, e.detail));
  }
  const failed = d.verdicts.filter((v) => !["pass", "skip"].includes(v.outcome));
  const passed = d.verdicts.filter((v) => v.outcome === "pass");
  return h("li", { class: "decision" }, time, h("span", { class: `badge outcome-${d.outcome}` }, t(`outcome_${d.outcome}`)),
    h("div", {},
      failed.map((v) => h("p", {}, h("b", {}, t(v.rule)), " ", both(v))),
      passed.length ? h("details", {}, h("summary", {}, `${t("checks")} · ${passed.length} ${t("passed")}`),
        h("p", { class: "dim" }, passed.map((v) => t(v.rule)).join(" · "))) : null));
}

function attempts(rows) {
  const line = (a) => h("tr", {}, h("td", { class: "num" }, String(a.number)), h("td", { class: "num dim" }, clock(a.created_at)),
    h("td", {}, badge(a.state, { attempt: true })), h("td", { class: "num" }, `${count(a.volume)} @ ${price(a.price)}`),
    h("td", { class: "num" }, `${t("filled_of")} ${count(a.filled)}`), h("td", { class: "num dim" }, a.broker_order_id ?? "–"), h("td", {}, a.message));
  return rows.length ? h("section", {}, h("h3", {}, t("tries")), h("div", { class: "scroll" }, h("table", { class: "tight" }, h("tbody", {}, rows.map(line))))) : null;
}

function fills(rows) {
  const line = (f) => h("tr", {}, h("td", { class: "num dim" }, clock(f.filled_at)), h("td", { class: "num" }, `${count(f.volume)} @ ${price(f.price)}`),
    h("td", { class: "num dim" }, `${t("fee")} ${price(f.fee)}`), h("td", { class: "num dim" }, f.traded_id));
  return rows.length ? h("section", {}, h("h3", {}, t("fills")), h("div", { class: "scroll" }, h("table", { class: "tight" }, h("tbody", {}, rows.map(line))))) : null;
}

function stages(rows) {
  const whole = rows.at(-1)?.after_ms || 1;
  const line = (s, n) => h("tr", {}, h("td", {}, t(`stage_${s.stage}`)),
    h("td", { class: "num c-price" }, `+${(s.after_ms - (rows[n - 1]?.after_ms ?? 0)).toFixed(1)} ms`), h("td", { class: "num dim c-price" }, `${s.after_ms.toFixed(1)} ms`),
    h("td", { class: "bar-cell" }, h("progress", { max: String(whole), value: s.after_ms, "aria-label": t(`stage_${s.stage}`) })));
  return rows.length ? h("section", {}, h("h3", {}, t("stages")), h("div", { class: "scroll" }, h("table", { class: "tight stages" }, h("tbody", {}, rows.map(line))))) : null;
}

const LOOK_MS = 2000;

export async function orderDialog(id, done) {
  let detail = null;
  try {
    detail = await get(`/api/orders/${id}`);
  } catch (error) {
    open(t("detail"), h("p", { class: "bad" }, half(error.message)));
    return;
  }
  const content = h("div", {});
  const cancel = () => askFirst(t("cancel"), t("cancel_ask"), async () => {
    await post(`/api/orders/${id}/cancel`);
    dialog.close();
    done();
  }, { danger: true, label: t("cancel") });
  const drawn = () => content.replaceChildren(...orderContent(detail, cancel).flat().filter(Boolean));
  drawn();
  const dialog = open(`${t("detail")} ${id}`, content, { wide: true });
  // As live as the page behind it: what is shown here is what a person acts upon.
  const look = async () => {
    if (!dialog.isConnected) return;
    try {
      const now = document.hidden ? detail : await get(`/api/orders/${id}`);
      if (JSON.stringify(now) !== JSON.stringify(detail)) {
        detail = now;
        drawn();
      }
    } catch {
      // The page's head says that the service is lost.
    }
    setTimeout(look, LOOK_MS);
  };
  setTimeout(look, LOOK_MS);
}

function orderContent(detail, cancel) {
  const { order, signal } = detail;
  return [
    h("p", { class: "summary" }, security(order.security), " ", sideTag(order.side), " ", orderBadge(order), " ", progress(order)),
    why(order) ? h("p", { class: "reason" }, why(order)) : null,
    h("dl", { class: "grid" }, pair(t("account"), order.account), pair(t("strategy"), order.strategy),
      pair(t("limit"), price(order.limit_price)), pair(t("turnover"), price(order.turnover)),
      signal?.order ? pair(`${t("signal_of")} ${signal.signal_id}`, `${count(signal.order.amount)} @ ${price(signal.order.price)} · ${clock(signal.received_at)}`) : null),
    h("section", {}, h("h3", {}, t("history")), h("ol", { class: "steps" }, steps(detail).map(step))),
    attempts(detail.attempts), fills(detail.fills), stages(detail.stages),
    order.open ? h("div", { class: "row end" }, h("button", { type: "button", class: "danger", onclick: cancel }, t("cancel"))) : null,
  ];
}
