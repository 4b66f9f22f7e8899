// Talking to the service. The cookie speaks for the person; the browser adds the origin.

export class Refused extends Error {
  constructor(status, body) {
    super(body?.detail ?? `HTTP ${status}`);
    this.status = status;
  }
}

// Nobody knows whether it was done.
export class Unanswered extends Error {}

// Who does it, as the person said it here: kept with what is done.
export const me = () => localStorage.getItem("me") ?? "";
export const setMe = (name) => localStorage.setItem("me", name);

const ANSWER_MS = 10000;

async function ask(path, options = {}, within = ANSWER_MS) {
  let response = null;
  try {
    response = await fetch(path, { signal: AbortSignal.timeout(within), ...options });
  } catch {
    throw new Unanswered("服务没有回答：程序可能已停止 / the service does not answer: it may have stopped");
  }
  if (response.status === 401) {
    location.reload(); // the session is over: the service shows its login page
    throw new Refused(401, null);
  }
  const body = await response.json().catch(() => null);
  if (!response.ok) throw new Refused(response.status, body);
  return body;
}

export const get = (path) => ask(path);

// What has changed since an answer named `at`: open for ten seconds, when nothing does.
export const changes = (at, waits) => ask(`/api/changes?${new URLSearchParams({ at, wait_s: waits ? 10 : 0 })}`, {}, 2 * ANSWER_MS);

// `key` makes a repeated request harmless: an order is placed once.
export const post = (path, body = {}, key = null) =>
  ask(path, {
    method: "POST",
    headers: { "content-type": "application/json", ...(me() ? { "jqfollow-who": encodeURIComponent(me()) } : {}), ...(key ? { "idempotency-key": key } : {}) },
    body: JSON.stringify(body),
  });

// The browser's session ends: this tab and the others show the login page.
export const LOGGED_OUT = "logged_out";
export async function logOut() {
  await post("/logout");
  localStorage.setItem(LOGGED_OUT, String(Date.now()));
  location.reload();
}
