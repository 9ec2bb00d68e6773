/**
 * A client of NexCorp Connect for browsers and Node: `Client` for REST, its `live()` for rooms, `ApiError` for
 * failures. One file without dependencies; types.d.ts has the types of the API's answers.
 */

const API = "/api/v1";
const SPARE_MS = 30_000; // a token that expires within this time is refreshed before use
// These POSTs answer with a secret, so the service keeps no answer for an Idempotency-Key.
const UNKEYED =
  /^\/(auth\/(api-keys|login|password|sudo|ticket)|push-subscriptions|webhooks(\/[^/]+\/secret)?)$/;
const PLAIN = "nexcorp.v1", BATCHED = "nexcorp.v1.batch";
const ANSWER_MS = 15_000;
const PACE_MS = 62, AHEAD_MS = 1000; // the service accepts 20 commands a second, and bursts of 40
const ACK_MS = 250;
const SILENT_MS = 30_000; // after this much silence the client sends a ping
const ROOMS_AT_ONCE = 20; // the service counts one subscribe command as one more for every five rooms
const FINAL = 4500, MEND = [1002, 1007, 1009], GOING_AWAY = 4001, TOKEN_EXPIRED = 4005;
const SPARED = ["connected", "subscribed", "authenticated", "acknowledged", "pong", "token-expiring"];

/** @typedef {{epoch: string | null, seq: number | null}} Place a position in a room: the frame `seq` of an `epoch` */
/** @typedef {{event: string, data: any, room?: string, seq?: number, place?: Place}} Frame */
/** @typedef {{came?: Place, shown?: Place, acked?: number | null}} Room `came`: last received; `shown`: last consumed */
/** @typedef {{resolve: (value: any) => void, reject: (error: Error) => void}} Waiting */

const sleep = (/** @type {number} */ ms) => new Promise((done) => setTimeout(done, ms));
/** Milliseconds to wait before a retry: grows exponentially, with jitter. */
const pause = (/** @type {number} */ attempt) =>
  Math.min(30_000, 250 * 2 ** attempt) * (0.5 + Math.random() / 2);
const newId = () => {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
};

/** An error answer, a refused command, or the end of a socket. */
export class ApiError extends Error {
  /**
   * @param {number} status of HTTP; 0 if there was no answer
   * @param {any} [body] the envelope of the error
   * @param {{wait?: number, closeCode?: number}} [more] `wait`: seconds to wait before a retry
   */
  constructor(status, body, { wait = 0, closeCode } = {}) {
    super(body?.message ?? (status ? `The service answers ${status}.` : "The service cannot be reached."));
    this.name = "ApiError";
    this.status = status;
    /** @type {string} stable, for programs; "unreachable" if the service could not be reached */
    this.code = body?.code ?? (status ? `http_${status}` : "unreachable");
    /** @type {Record<string, string[]>} messages by field */
    this.errors = body?.errors ?? {};
    /** @type {string | undefined} identifies the request in the service's logs */
    this.requestId = body?.requestId;
    this.current = body?.current;
    this.wait = wait;
    this.closeCode = closeCode;
  }

  /** Whether a retry may succeed. */
  get passing() {
    return [0, 429, 502, 504].includes(this.status) ||
      (this.status === 503 && this.code !== "not_configured");
  }
}

const CLOSED = () => new ApiError(0, { code: "closed", message: "This was closed." });

/** Calls the API as one user; `token` may be an access token or API key, which is never refreshed. */
export class Client {
  /** @type {any} the account, after signing in */
  user = null;
  /** @type {Promise<string | undefined> | null} */
  #refreshing = null;
  #until = 0;

  /**
   * @param {string} url
   * @param {{token?: string, refreshToken?: string, onRefresh?: (token: string) => void, platform?: "cli" | "mobile" | "web", tries?: number, patience?: number, timeout?: number, WebSocket?: any}} [options]
   *       `platform`: with "web" the refresh token is a cookie that scripts cannot read; `onRefresh`: called with each
   *       new refresh token, to store it; `tries`, `patience`: most attempts per request, and most seconds to wait before a
   *     retry; `timeout`: milliseconds per request; `WebSocket`: a class, where there is no global one (Node before 22)
   */
  constructor(url, options = {}) {
    this.url = url.replace(/\/+$/, "");
    this.options = { platform: "cli", tries: 6, patience: 60, timeout: 30_000, ...options };
    /** @type {string | undefined} the current access token, which may have expired */
    this.token = options.token;
    this.refreshToken = options.refreshToken;
    if (options.token) this.#until = Infinity;
  }

  /**
   * Sign in; resolves to the account.
   * @param {string} email
   * @param {string} password
   * @param {string} [device] its name in the list of sessions
   */
  async signIn(email, password, device) {
    const body = { email, password, platform: this.options.platform, device };
    return this.#keep(await this.#retry("POST", "/auth/login", { body, anonymous: true }));
  }

  /** End the session. */
  async signOut() {
    await this.request("POST", "/auth/logout");
    this.token = this.refreshToken = undefined;
    this.#until = 0;
    this.user = null;
  }

  /** @param {import("./types.d.ts").SignedInOut} answer */
  #keep(answer) {
    this.token = answer.accessToken;
    this.#until = Date.now() + answer.expiresIn * 1000;
    this.user = answer.user;
    this.refreshToken = answer.refreshToken;
    if (answer.refreshToken) this.options.onRefresh?.(answer.refreshToken);
    return this.user;
  }

  /** Whether this client can get new access tokens. */
  get renews() {
    return Boolean(this.refreshToken) || (this.options.platform === "web" && this.#until !== Infinity);
  }

  /**
   * A token that is not about to expire and is not `old`, refreshed if necessary; undefined if not signed in.
   * @param {string} [old]
   */
  freshToken(old) {
    const good = this.token && this.token !== old && this.#until - Date.now() > SPARE_MS;
    if (good || !this.renews) return Promise.resolve(this.token);
    // Concurrent callers share one refresh.
    this.#refreshing ??= this.#refresh().finally(() => this.#refreshing = null);
    return this.#refreshing;
  }

  async #refresh() {
    const body = this.refreshToken ? { refreshToken: this.refreshToken } : undefined;
    // If the answer is lost, the retry exchanges the same refresh token again.
    this.#keep(await this.#retry("POST", "/auth/refresh", { body, anonymous: true }));
    return this.token;
  }

  /**
   * Send a request; resolves to the answer's JSON, a Blob if it is not JSON, null if it is empty. Rejects with
   * ApiError. All attempts of a POST share one Idempotency-Key, so the service runs it only once; a POST that takes none,
   * as its answer is a secret, is not retried if its answer was lost.
   * @param {string} method
   * @param {string} path below /api/v1
   * @param {{body?: any, params?: Record<string, any>, headers?: Record<string, string>, key?: string}} [options]
   *     `body`: a FormData, Blob or Uint8Array is sent as it is, anything else as JSON; `key`: the Idempotency-Key, for
   *     retries after a restart of this process
   */
  request(method, path, { headers, key, ...options } = {}) {
    const keyed = method === "POST" ? { "Idempotency-Key": key ?? newId() } : {};
    return this.#retry(method, path, { headers: { ...keyed, ...headers }, ...options });
  }

  /** @param {string} path @param {Record<string, any>} [params] */
  get(path, params) {
    return this.request("GET", path, { params });
  }

  /** @param {string} path @param {any} [body] @param {{key?: string}} [options] */
  post(path, body, options) {
    return this.request("POST", path, { body, ...options });
  }

  /** @param {string} path @param {any} [body] */
  put(path, body) {
    return this.request("PUT", path, { body });
  }

  /** @param {string} path @param {any} [body] */
  patch(path, body) {
    return this.request("PATCH", path, { body });
  }

  /** @param {string} path */
  delete(path) {
    return this.request("DELETE", path);
  }

  /**
   * Iterate over a list; pages are fetched as needed. `limit` is the size of a page.
   * @param {string} path
   * @param {Record<string, any>} [params]
   */
  async *list(path, params = {}) {
    let page = await this.get(path, params);
    yield* page.data;
    while (page.nextCursor) {
      page = await this.get(path, { ...params, cursor: page.nextCursor });
      yield* page.data;
    }
  }

  /**
   * Open a socket in these rooms and in the user's own room; see Live.
   * @param {string[]} [rooms]
   * @param {{places?: Record<string, Place>, batch?: boolean, ack?: boolean}} [options]
   */
  live(rooms = [], options = {}) {
    return new Live(this, rooms, options).open();
  }

  async #retry(/** @type {string} */ method, /** @type {string} */ path, /** @type {any} */ options) {
    /** @type {string | undefined} */
    let old;
    for (let attempt = 1;;) {
      const token = options.anonymous ? undefined : await this.freshToken(old);
      try {
        return await this.#send(method, path, token, options);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (error.code === "unauthorized" && !options.anonymous && old === undefined && this.renews) {
          old = token ?? "";
          continue;
        }
        const { tries, patience } = this.options;
        const done = method === "POST" && UNKEYED.test(path) && ![429, 503].includes(error.status);
        if (!error.passing || done || attempt >= tries || error.wait > patience) throw error;
        await sleep(Math.max(error.wait * 1000, pause(attempt++)));
      }
    }
  }

  async #send(
    /** @type {string} */ method,
    /** @type {string} */ path,
    /** @type {string | undefined} */ token,
    /** @type {any} */ { body, params = {}, headers = {} },
  ) {
    const url = new URL(this.url + API + path);
    for (const [name, value] of Object.entries(params)) {
      for (const one of [value].flat()) {
        if (one !== undefined && one !== null) url.searchParams.append(name, String(one));
      }
    }
    const web = this.options.platform === "web";
    /** @type {Record<string, string>} */
    const all = { Accept: "application/json", ...headers };
    if (web) all["X-Requested-With"] = "nexcorp.js";
    if (token) all.Authorization = `Bearer ${token}`;
    const packed = body === undefined || body instanceof FormData || body instanceof Blob ||
      body instanceof Uint8Array;
    if (!packed) all["Content-Type"] = "application/json";
    let answer, data;
    try {
      answer = await fetch(url, {
        method,
        headers: all,
        body: packed ? body : JSON.stringify(body),
        credentials: web ? "include" : "omit",
        signal: AbortSignal.timeout(this.options.timeout),
      });
      data = await answer.blob();
    } catch {
      throw new ApiError(0);
    }
    /** @type {any} */
    let parsed = data.size ? data : null;
    if (answer.headers.get("Content-Type")?.includes("json")) {
      try {
        parsed = JSON.parse(await data.text());
      } catch {
        // An error page of a proxy: only its status is useful.
      }
    }
    if (answer.ok) return parsed;
    const wait = Number(answer.headers.get("Retry-After")) || 0;
    throw new ApiError(answer.status, parsed instanceof Blob ? null : parsed, { wait });
  }
}

/**
 * A socket that reconnects; iterate over it for frames, each once and in order.
 *
 * A frame counts as shown when the next one is requested; with `ack` it is then acknowledged. `places` has the
 * positions shown so far, from which a later Live can resume. With `batch` the service groups frames for 20 ms.
 *
 * This module adds two events: `lost` (frames of `room` were lost: fetch its state again), and `refused` (the service
 * did not let this client rejoin `room`). Iterating rejects with ApiError if the service ends the socket for good,
 * with `closeCode` 4500 or above, or 1002, 1007 or 1009.
 */
export class Live {
  /** @type {Map<string, Room>} */
  #rooms = new Map();
  /** @type {Frame[]} */
  #frames = [];
  /** @type {(() => void) | null} */
  #wake = null;
  /** @type {Set<() => void>} each ends one pause early */
  #pauses = new Set();
  /** @type {Map<number, Waiting>} */
  #answers = new Map();
  /** @type {Map<string, Waiting & {promise: Promise<Place>}>} */
  #joins = new Map();
  /** @type {any} */
  #socket = null;
  /** @type {ApiError | null} */
  #ended = null;
  /** @type {Set<Waiting>} waiting for a connection */
  #ups = new Set();
  #up = false;
  #closed = false;
  /** @type {any} */
  #reason = null;
  #said = 0;
  #nextAt = 0;
  #heard = 0;

  /**
   * @param {Client} client
   * @param {string[]} rooms
   * @param {{places?: Record<string, Place>, batch?: boolean, ack?: boolean}} options
   */
  constructor(client, rooms, { places = {}, batch = false, ack = true }) {
    this.client = client;
    this.batch = batch;
    this.ack = ack;
    for (const name of new Set([...rooms, ...Object.keys(places)])) {
      const place = places[name];
      this.#rooms.set(name, { came: place, shown: place, acked: place?.seq });
    }
  }

  /** Connect and join; resolves to this once all rooms are joined. */
  async open() {
    // The service joins the user's own room itself; its name is known once connected.
    const joins = [...this.#rooms.keys()].filter((name) => !name.startsWith("user:")).map((name) =>
      this.#expect(name)
    );
    this.#run();
    if (this.ack) this.#acknowledge();
    try {
      await this.#connectedOnce();
      await Promise.all(joins);
    } catch (error) {
      await this.close();
      throw error;
    }
    return this;
  }

  /** Acknowledge the frames shown, and close the socket. */
  async close() {
    if (this.#closed) return;
    if (this.ack && this.#up) await Promise.race([this.#acknowledgeOnce().catch(() => {}), this.#rest(1000)]);
    this.#closed = true;
    this.#socket?.close();
    // A pending timer would keep Node's process alive.
    this.#pauses.forEach((end) => end());
    this.#refuse(CLOSED());
    this.#wake?.();
  }

  /** The position shown in each room, as a plain object. */
  get places() {
    /** @type {Record<string, Place>} */
    const found = {};
    for (const [name, { shown }] of this.#rooms) if (shown) found[name] = shown;
    return found;
  }

  /** @returns {AsyncGenerator<Frame>} */
  async *[Symbol.asyncIterator]() {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame) {
        yield frame;
        const room = frame.room && this.#rooms.get(frame.room);
        if (room && frame.place) room.shown = frame.place;
      } else if (this.#ended) throw this.#ended;
      else if (this.#closed) return;
      else await new Promise((wake) => this.#wake = () => wake(undefined));
    }
  }

  /**
   * Join a room, from `place` if given; resolves to the position. Fetch the room's state after this call: the frames
   * from there on keep it current.
   * @param {string} name
   * @param {Place} [place]
   */
  async join(name, place) {
    this.#rooms.set(name, { came: place, shown: place, acked: place?.seq });
    const joined = this.#expect(name);
    if (this.#up) this.#subscribe([name]);
    try {
      return await joined;
    } catch (error) {
      this.#rooms.delete(name);
      throw error;
    }
  }

  /** Leave a room. @param {string} name */
  async leave(name) {
    this.#rooms.delete(name);
    if (this.#up) await this.say("unsubscribe", { room: name });
  }

  /**
   * Send a command; resolves to the data of its answer, rejects if it is refused or not answered in time.
   * @param {string} event
   * @param {any} [data]
   */
  async say(event, data = {}) {
    await this.#connectedOnce();
    const id = ++this.#said;
    // Keep to the pace that the service accepts.
    this.#nextAt = Math.max(this.#nextAt, Date.now() - AHEAD_MS) + PACE_MS;
    await sleep(Math.max(0, this.#nextAt - Date.now()));
    if (!this.#up) throw new ApiError(0);
    /** @type {any} */
    let timer;
    try {
      return await new Promise((resolve, reject) => {
        this.#answers.set(id, { resolve, reject });
        timer = setTimeout(() => reject(new ApiError(0)), ANSWER_MS);
        this.#socket.send(JSON.stringify({ event, data, id }));
      });
    } finally {
      clearTimeout(timer);
      this.#answers.delete(id);
    }
  }

  /** @returns {Promise<void>} */
  #connectedOnce() {
    if (this.#ended || this.#closed) return Promise.reject(this.#ended ?? CLOSED());
    if (this.#up) return Promise.resolve();
    return new Promise((resolve, reject) => this.#ups.add({ resolve, reject }));
  }

  #expect(/** @type {string} */ name) {
    const known = this.#joins.get(name);
    if (known) return known.promise;
    /** @type {any} */
    const made = {};
    made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
    // Nobody may be waiting any more: avoid an unhandled rejection.
    made.promise.catch(() => {});
    this.#joins.set(name, made);
    return made.promise;
  }

  /** Like sleep(), but close() ends it early. */
  #rest(/** @type {number} */ ms) {
    return new Promise((done) => {
      const end = () => {
        clearTimeout(timer);
        this.#pauses.delete(end);
        done(undefined);
      };
      const timer = setTimeout(end, ms);
      this.#pauses.add(end);
    });
  }

  /** Connect, read and reconnect, until the socket ends for good. */
  async #run() {
    /** @type {string | undefined} */
    let old;
    for (let tries = 1; !this.#closed && !this.#ended;) {
      let wait = 0;
      try {
        const token = await this.client.freshToken(old);
        const { code, reason, greeted } = await this.#serve(token);
        if (code >= FINAL || MEND.includes(code)) {
          const why = this.#reason ?? { code: `closed_${code}`, message: reason };
          this.#end(new ApiError(0, why, { closeCode: code }));
        } else if (code === GOING_AWAY) wait = Number(/[\d.]+/.exec(reason)?.[0] ?? 0) * 1000;
        // The status of a refused handshake is hidden; the token may have been refused.
        const doubtful = !greeted && code === 1006;
        if (doubtful && token === undefined) this.#end(new ApiError(401, { code: "unauthorized" }));
        else if (doubtful && token?.startsWith("nxk_")) {
          this.#end(new ApiError(403, { code: "session_required" }));
        } else if (doubtful) await this.client.get("/auth/me");
        old = code === TOKEN_EXPIRED ? token : undefined;
        tries = greeted ? 1 : tries + 1;
      } catch (error) {
        if (!(error instanceof ApiError) || !error.passing) this.#end(/** @type {any} */ (error));
        else wait = error.wait * 1000;
        tries++;
      }
      if (!this.#closed && !this.#ended) await this.#rest(Math.max(wait, pause(tries)));
    }
  }

  /**
   * Serve one connection from its handshake to its end.
   * @param {string | undefined} token
   * @returns {Promise<{code: number, reason: string, greeted: boolean}>}
   */
  #serve(token) {
    const url = new URL(this.client.url.replace(/^http/, "ws") + "/ws");
    const mine = this.#rooms.get(this.#own())?.came;
    if (mine?.epoch) url.search = String(new URLSearchParams({ epoch: mine.epoch, seq: String(mine.seq) }));
    this.#reason = null;
    const Socket = this.client.options.WebSocket ?? WebSocket;
    // A service without batches selects the plain protocol.
    const spoken = this.batch ? [BATCHED, PLAIN] : [PLAIN];
    const socket = new Socket(url.href, [...spoken, `bearer.${token}`]);
    this.#socket = socket;
    let greeted = false;
    this.#heard = Date.now();
    return new Promise((done) => {
      const over = (/** @type {number} */ code, /** @type {string} */ reason) => {
        clearInterval(watch);
        if (this.#socket === socket) this.#disconnected();
        done({ code, reason, greeted });
      };
      // The service's pings are invisible here: ping it, and close the socket if no answer comes.
      const watch = setInterval(() => {
        const silent = Date.now() - this.#heard;
        if (silent > SILENT_MS + ANSWER_MS) {
          socket.close();
          over(1006, "silent");
        } else if (silent > SILENT_MS && greeted) this.say("ping").catch(() => {});
      }, ANSWER_MS / 3);
      socket.onmessage = (/** @type {{data: string}} */ { data }) => {
        if (this.#socket !== socket) return;
        this.#heard = Date.now();
        greeted = true;
        for (const frame of [JSON.parse(data)].flat()) this.#receive(frame);
      };
      // Node before 22 reports a refused handshake only as an error.
      socket.onerror = () => setTimeout(() => over(1006, "error"), 100);
      socket.onclose = (/** @type {any} */ { code, reason }) => over(code, reason);
    });
  }

  #own() {
    if (this.client.user) return `user:${this.client.user.id}`;
    return [...this.#rooms.keys()].find((name) => name.startsWith("user:")) ?? "";
  }

  #receive(/** @type {any} */ { event, data, room, seq, id }) {
    if (event === "connected") this.#connected(data);
    else if (event === "subscribed") {
      (data.rooms ?? [data]).forEach((/** @type {any} */ one) => this.#joined(one));
    } else if (event === "unsubscribed" && id === undefined) this.#rooms.delete(data.room);
    else if (event === "token-expiring") this.#renew();
    else if (event === "error" && data.closeCode) {
      this.#reason = data;
      return;
    }
    if (id !== undefined) {
      const answer = this.#answers.get(id);
      if (event === "error") answer?.reject(new ApiError(0, data));
      else answer?.resolve(data);
      return;
    }
    if (SPARED.includes(event)) return;
    /** @type {Place | undefined} */
    let place;
    if (room !== undefined && seq !== undefined) {
      const known = this.#rooms.get(room);
      if (!known || seq <= (known.came?.seq ?? -1)) return;
      place = known.came = { epoch: known.came?.epoch ?? null, seq };
    }
    this.#push({ event, data, room, seq, place });
  }

  #push(/** @type {Frame} */ frame) {
    this.#frames.push(frame);
    this.#wake?.();
  }

  #connected(/** @type {any} */ data) {
    const name = `user:${data.userId}`;
    const others = [...this.#rooms.keys()].filter((other) => other !== name);
    if (!this.#rooms.has(name)) this.#rooms.set(name, {});
    this.#note(name, data);
    this.#up = true;
    this.#ups.forEach(({ resolve }) => resolve(undefined));
    this.#ups.clear();
    for (let at = 0; at < others.length; at += ROOMS_AT_ONCE) {
      this.#subscribe(others.slice(at, at + ROOMS_AT_ONCE));
    }
  }

  /** Record the position that the service gives for a joined room. */
  #note(/** @type {string} */ name, /** @type {any} */ { epoch, seq, recovered }) {
    const room = /** @type {Room} */ (this.#rooms.get(name));
    const before = room.came;
    room.came = { epoch, seq: recovered && before ? before.seq : seq };
    if (!before) {
      room.shown = room.came;
      room.acked = seq;
    } else if (!recovered) this.#push({ event: "lost", data: {}, room: name, place: room.came });
    this.#joins.get(name)?.resolve(room.came);
    this.#joins.delete(name);
  }

  #joined(/** @type {any} */ data) {
    if (!this.#rooms.has(data.room)) return;
    if (!data.error) {
      this.#note(data.room, data);
      return;
    }
    this.#rooms.delete(data.room);
    const expected = this.#joins.get(data.room);
    this.#joins.delete(data.room);
    if (expected) expected.reject(new ApiError(0, data.error));
    else this.#push({ event: "refused", data: data.error, room: data.room });
  }

  /** Join rooms from their known positions; one command takes only rooms of the same epoch. */
  async #subscribe(/** @type {string[]} */ names) {
    /** @type {Map<string | null | undefined, any[]>} */
    const byEpoch = new Map();
    for (const name of names) {
      const came = this.#rooms.get(name)?.came;
      const one = came?.epoch ? { room: name, seq: came.seq } : name;
      byEpoch.set(came?.epoch, [...byEpoch.get(came?.epoch) ?? [], one]);
    }
    const socket = this.#socket;
    try {
      for (const [epoch, rooms] of byEpoch) {
        await this.say("subscribe", { rooms, ...(epoch ? { epoch } : {}) });
      }
    } catch {
      // Overloaded or disconnected: reconnect and start over.
      socket?.close();
    }
  }

  async #renew() {
    try {
      await this.say("auth", { token: await this.client.freshToken(this.client.token) });
    } catch {
      // The service then closes the socket; the next connection gets a new token.
    }
  }

  async #acknowledge() {
    while (!this.#closed && !this.#ended) {
      await this.#rest(ACK_MS);
      if (this.#up) await this.#acknowledgeOnce().catch(() => {});
    }
  }

  /** Acknowledge the frames shown, in rooms with new ones. */
  async #acknowledgeOnce() {
    for (const [name, room] of this.#rooms) {
      const seq = room.shown?.seq;
      if (seq === undefined || seq === null || seq === room.acked) continue;
      await this.say("ack", { room: name, seq });
      room.acked = seq;
    }
  }

  #disconnected() {
    this.#up = false;
    this.#socket = null;
    this.#answers.forEach(({ reject }) => reject(new ApiError(0)));
    this.#answers.clear();
  }

  #end(/** @type {ApiError} */ error) {
    this.#ended = error;
    this.#refuse(error);
    this.#wake?.();
  }

  /** Reject everything that waits for a connection or a room. */
  #refuse(/** @type {ApiError} */ error) {
    for (const waiting of [...this.#ups, ...this.#joins.values()]) waiting.reject(error);
    this.#ups.clear();
  }
}
