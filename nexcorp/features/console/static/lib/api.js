/**
 * Sends requests to /api/v1 and keeps the session.
 *
 * The access token is held in memory only; the refresh token is a cookie that scripts cannot read. All tabs share
 * one session: one tab refreshes it and sends the new token to the others.
 */
import { signal } from "../vendor/preact.js";

/** The signed-in user: undefined while unknown, null when signed out. */
export const me = signal(undefined);

const API = "/api/v1";
const TRIES = 4;
// These POSTs answer with a secret, so the service keeps no answer for an Idempotency-Key.
const UNKEYED =
  /^\/(auth\/(api-keys|login|password|sudo|ticket)|push-subscriptions|webhooks(\/[^/]+\/secret)?)$/;
const tabs = new BroadcastChannel("nexcorp-session");
/** @type {{text: string, until: number} | null} */
let token = null;

/** An error answer of the API; `status` is 0 if the API could not be reached. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {any} body the envelope of the error
   * @param {number} wait seconds to wait before a retry
   */
  constructor(status, body = null, wait = 0) {
    super(body?.message ?? "The service cannot be reached.");
    this.status = status;
    this.code = body?.code ?? "unreachable";
    /** @type {Record<string, string[]>} */
    this.errors = body?.errors ?? {};
    this.current = body?.current;
    /** @type {string[]} the leads that a `lead_duplicate` names */
    this.leadIds = body?.leadIds ?? [];
    this.requestId = body?.requestId;
    this.wait = wait;
  }

  /** The first error message of a field, or else the general message. */
  get first() {
    return Object.values(this.errors).flat()[0] ?? this.message;
  }
}

/** A random id, unique per request. (crypto.randomUUID needs HTTPS or localhost.) */
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

/** Prefix of the sessionStorage keys of drafts. */
export const DRAFTS = "nexcorp-draft-";

/** End the session in this tab; `left`: the user signed out, so delete their drafts as well. */
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
 * Send one request; rejects with ApiError.
 * @param {string} method
 * @param {string} path below /api/v1
 * @param {{body?: any, headers?: Record<string, string>, anonymous?: boolean, signal?: AbortSignal, raw?: boolean}} [options]
 *   `body`: a FormData or Blob is sent as it is, anything else as JSON; `raw`: resolve to the Response
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
    // An error page of a proxy: only its status is useful.
  }
  if (!answer.ok) throw new ApiError(answer.status, data, Number(answer.headers.get("Retry-After") ?? 0));
  return data;
}

/** Run `work` in one tab at a time; without the Web Locks API (plain HTTP) each tab runs it on its own. */
const alone = (/** @type {() => Promise<void>} */ work) =>
  navigator.locks ? navigator.locks.request("nexcorp-refresh", work) : work();

/** Get a new access token for all tabs; null when signed out. Rejects if the service cannot be reached. */
export async function refresh() {
  const before = token;
  await alone(async () => {
    // Another tab may have refreshed the token while this one waited for the lock.
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

/** An access token that is valid for at least 30 seconds; undefined when signed out. */
export async function freshToken() {
  if (!token || token.until - Date.now() < 30_000) await refresh();
  return token?.text;
}

/** The current access token, which may have expired: for callers that cannot wait for a new one. */
export const heldToken = () => token?.text;

/**
 * Call the API as the signed-in user; resolves to the answer's JSON, null if it is empty.
 * Passing failures (0, 429, 503) are retried; a POST has an idempotency key, so the service runs it only once; one
 * that takes no key is not retried if its answer was lost.
 * @param {string} method
 * @param {string} path below /api/v1
 * @param {any} [body]
 * @param {{headers?: Record<string, string>, signal?: AbortSignal, raw?: boolean, once?: boolean}} [options]
 *   `once`: do not retry
 */
export async function api(method, path, body, { headers = {}, once, ...options } = {}) {
  const key = method === "POST" ? { "Idempotency-Key": newId() } : {}, who = me.peek()?.id;
  for (let attempt = 1, renewed = false;; attempt++) {
    try {
      await freshToken();
      // Another tab may have signed in a different user meanwhile: do not act as them.
      if (who && me.peek()?.id !== who) throw new ApiError(401);
      return await send(method, path, { body, headers: { ...key, ...headers }, ...options });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 401 && !renewed && error.code === "unauthorized") {
        renewed = true;
        if (await refresh()) continue;
      }
      const done = error.status === 0 && method === "POST" && UNKEYED.test(path);
      const passing = (error.status === 0 && !done) || error.status === 429 ||
        (error.status === 503 && error.code !== "not_configured");
      if (!passing || once || attempt >= TRIES || error.wait > 20) throw error;
      await sleep(Math.max(error.wait * 1000, 300 * 2 ** attempt));
    }
  }
}

/** Send a GET request as the signed-in user. */
export const get = (/** @type {string} */ path, /** @type {{signal?: AbortSignal}} */ options = {}) =>
  api("GET", path, undefined, options);

/** Whether the signed-in user has this permission, from what /auth/me answered last. */
export const may = (/** @type {string} */ permission) => Boolean(permissions.value?.has(permission));

/** The signed-in user's permissions; null while unknown. @type {import("../vendor/preact.js").Signal<Set<string> | null>} */
export const permissions = signal(null);

/** Read the signed-in user's permissions from /auth/me. */
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

/** Send a request without a session, as the forms for registration and forgotten passwords do. */
export const ask = (
  /** @type {string} */ method,
  /** @type {string} */ path,
  /** @type {any} */ body = undefined,
) => send(method, path, { body, anonymous: true });

/** End the session. Rejects if the service cannot be reached: the user would still be signed in after a reload. */
export async function signOut() {
  try {
    await send("POST", "/auth/logout", { headers: { "X-Requested-With": "console" } });
  } catch (error) {
    if (/** @type {ApiError} */ (error).status !== 401) throw error;
  }
  forget(true, true);
}

/** The name of this device in the list of sessions: "Firefox on Linux". */
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

const PACE_MS = 62; // the service accepts 20 commands a second: send at most 16

/**
 * A queue of commands for the socket, sent at the pace that the service accepts.
 * @param {(text: string) => void} send
 */
export function paced(send) {
  /** @type {{event: string, data: any}[]} */
  let queue = [];
  /** Rooms to leave: after all other commands, which need not wait for them. @type {Set<string>} */
  const leaves = new Set();
  /** @type {number | undefined} */
  let pump;

  function clear() {
    clearInterval(pump);
    pump = undefined;
    queue = [];
    leaves.clear();
  }
  function next() {
    const [room] = leaves;
    if (queue.length || room === undefined) return queue.shift();
    leaves.delete(room);
    return { event: "unsubscribe", data: { room } };
  }
  function start() {
    pump ??= setInterval(() => {
      const command = next();
      if (command) send(JSON.stringify(command));
      else clear();
    }, PACE_MS);
  }
  return {
    clear,
    /** Queue a command. */
    say(/** @type {string} */ event, /** @type {any} */ data) {
      queue.push({ event, data });
      start();
    },
    /** Leave a room when nothing else is to be sent. */
    leave(/** @type {string} */ room) {
      leaves.add(room);
      start();
    },
    /** Do not leave a room, after all. */
    stay: (/** @type {string} */ room) => leaves.delete(room),
  };
}
