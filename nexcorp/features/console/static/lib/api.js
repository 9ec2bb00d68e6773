/**
 * Talks to /api/v1, and keeps the session.
 *
 * The access token lives in memory only; the refresh token is a cookie that no script sees. All tabs share
 * one session: one of them refreshes, the others are handed the token.
 */
import { signal } from "../vendor/preact.js";

/** Who is signed in: undefined while unknown, null when signed out. */
export const me = signal(undefined);

const API = "/api/v1";
const TRIES = 4;
const tabs = new BroadcastChannel("nexcorp-session");
/** @type {{text: string, until: number} | null} */
let token = null;

/** An answer of the API that is no success; `status` 0: it was not reached. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {any} body the envelope of the error
   * @param {number} wait seconds after which it may be asked again
   */
  constructor(status, body = null, wait = 0) {
    super(body?.message ?? "The service cannot be reached.");
    this.status = status;
    this.code = body?.code ?? "unreachable";
    /** @type {Record<string, string[]>} */
    this.errors = body?.errors ?? {};
    this.current = body?.current;
    this.requestId = body?.requestId;
    this.wait = wait;
  }

  /** The first complaint about a field, else the message. */
  get first() {
    return Object.values(this.errors).flat()[0] ?? this.message;
  }
}

/** An id that no other request has. (crypto.randomUUID is there over HTTPS and on localhost only.) */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const sleep = (/** @type {number} */ ms) => new Promise((done) => setTimeout(done, ms));

function keep(/** @type {any} */ answer, tell = true) {
  token = { text: answer.accessToken, until: Date.now() + answer.expiresIn * 1000 };
  const before = me.peek();
  if (before?.id !== answer.user.id || before?.role !== answer.user.role) {
    me.value = answer.user;
    if (before?.id === answer.user.id) learnRights().catch(() => {}); // another role
  }
  if (tell) tabs.postMessage({ kind: "token", answer });
}

/** What is being written is kept in each tab under names that begin so. */
export const DRAFTS = "nexcorp-draft-";

/** `left`: somebody signed out, rather than being signed out: nothing of theirs stays here. */
function forget(tell = true, left = false) {
  if (left) {
    Object.keys(sessionStorage).filter((name) => name.startsWith(DRAFTS)).forEach((name) =>
      sessionStorage.removeItem(name)
    );
  }
  token = null;
  me.value = null;
  if (tell) tabs.postMessage({ kind: "out", left });
  if (left) location.reload();
}

tabs.onmessage = ({ data }) => {
  if (data.kind === "token") keep(data.answer, false);
  if (data.kind === "out") forget(false, data.left);
};

/**
 * One request; rejects with ApiError.
 * @param {string} method
 * @param {string} path below /api/v1
 * @param {{body?: any, headers?: Record<string, string>, anonymous?: boolean, signal?: AbortSignal, raw?: boolean}} [options]
 *   `body`: a FormData or Blob is sent as it is, all else as JSON; `raw`: gives the Response itself
 */
async function send(method, path, { body, headers = {}, anonymous, signal, raw } = {}) {
  /** @type {Record<string, string>} */
  const all = { Accept: "application/json", ...headers };
  const packed = body === undefined || body instanceof FormData || body instanceof Blob;
  if (!packed) all["Content-Type"] = "application/json";
  if (!anonymous && token) all.Authorization = `Bearer ${token.text}`;
  let answer;
  try {
    answer = await fetch(API + path, {
      method,
      headers: all,
      signal,
      body: packed ? body : JSON.stringify(body),
    });
  } catch (error) {
    if (/** @type {Error} */ (error).name === "AbortError") throw error;
    throw new ApiError(0);
  }
  if (raw && answer.ok) return answer;
  const text = await answer.text().catch(() => "");
  let data = null;
  try {
    data = text ? JSON.parse(text) : null;
  } catch {
    // A proxy's page: only its status says something.
  }
  if (!answer.ok) throw new ApiError(answer.status, data, Number(answer.headers.get("Retry-After") ?? 0));
  return data;
}

/** Without locks (plain HTTP) each tab refreshes for itself. */
const alone = (/** @type {() => Promise<void>} */ work) =>
  navigator.locks ? navigator.locks.request("nexcorp-refresh", work) : work();

/** Get a new access token for all tabs. Rejects where the service cannot be asked; signed out is no error. */
export async function refresh() {
  const before = token;
  await alone(async () => {
    // Whoever waited for the lock finds what the tab before it was given.
    if (token !== before && token && token.until - Date.now() > 60_000) return;
    try {
      keep(
        await send("POST", "/auth/refresh", { anonymous: true, headers: { "X-Requested-With": "console" } }),
      );
    } catch (error) {
      if (/** @type {ApiError} */ (error).status !== 401) throw error;
      forget(before !== null);
    }
  });
  return token;
}

/** An access token that is good for half a minute at least; undefined when signed out. */
export async function freshToken() {
  if (!token || token.until - Date.now() < 30_000) await refresh();
  return token?.text;
}

/** The access token of this moment, which may be too old: for those who cannot wait for a fresh one. */
export const heldToken = () => token?.text;

/**
 * Ask the API as the person who is signed in; gives the answer's JSON, null where there is none.
 * What failed for a while (0, 429, 503) is tried again: a POST carries a key, so that it is done once.
 * @param {string} method
 * @param {string} path below /api/v1
 * @param {any} [body]
 * @param {{headers?: Record<string, string>, signal?: AbortSignal, raw?: boolean, once?: boolean}} [options]
 *   `once`: a failure is told at once
 */
export async function api(method, path, body, { headers = {}, once, ...options } = {}) {
  const key = method === "POST" ? { "Idempotency-Key": newId() } : {}, who = me.peek()?.id;
  for (let attempt = 1, renewed = false;; attempt++) {
    try {
      await freshToken();
      // Another tab may have let somebody else in meanwhile: nothing is done in their name.
      if (who && me.peek()?.id !== who) throw new ApiError(401);
      return await send(method, path, { body, headers: { ...key, ...headers }, ...options });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 401 && !renewed && error.code === "unauthorized") {
        renewed = true;
        if (await refresh()) continue;
      }
      const passing = error.status === 0 || error.status === 429 ||
        (error.status === 503 && error.code !== "not_configured");
      if (!passing || once || attempt >= TRIES || error.wait > 20) throw error;
      await sleep(Math.max(error.wait * 1000, 300 * 2 ** attempt));
    }
  }
}

/** GET, the most frequent one. */
export const get = (/** @type {string} */ path, /** @type {{signal?: AbortSignal}} */ options = {}) =>
  api("GET", path, undefined, options);

/** Whether the one signed in has this permission; nobody is asked, /auth/me has told. */
export const may = (/** @type {string} */ permission) => permissions.value.has(permission);

/** @type {import("../vendor/preact.js").Signal<Set<string>>} */
export const permissions = signal(new Set());

/** Learn what the one signed in may do. */
export async function learnRights() {
  const account = await get("/auth/me");
  if (me.peek()?.id !== account.id) return;
  permissions.value = new Set(account.permissions);
  me.value = { ...me.peek(), ...account };
}

export async function signIn(/** @type {string} */ email, /** @type {string} */ password) {
  const body = { email, password, platform: "web", device: describeDevice() };
  keep(await send("POST", "/auth/login", { body, anonymous: true }));
}

/** Ask without a session, as forms of registering and forgotten passwords do. */
export const ask = (
  /** @type {string} */ method,
  /** @type {string} */ path,
  /** @type {any} */ body = undefined,
) => send(method, path, { body, anonymous: true });

/** End the session. Rejects where the service cannot be asked: whoever reloaded would still be signed in. */
export async function signOut() {
  try {
    await send("POST", "/auth/logout", { headers: { "X-Requested-With": "console" } });
  } catch (error) {
    if (/** @type {ApiError} */ (error).status !== 401) throw error;
  }
  forget(true, true);
}

/** What the list of devices calls this one: "Firefox on Linux". */
function describeDevice() {
  const agent = navigator.userAgent;
  const browser = /** @type {const} */ (["Firefox", "Edg", "Chrome", "Safari"]).find((name) =>
    agent.includes(name)
  );
  const system = ["Android", "iPhone", "iPad", "Windows", "Mac OS", "Linux"].find((name) =>
    agent.includes(name)
  );
  return [browser === "Edg" ? "Edge" : browser ?? "Browser", system && `on ${system}`].filter(Boolean).join(
    " ",
  );
}
