/**
 * A client of NexCorp Connect, for browsers and for Node: `Client` for REST, its `live()` for rooms, `ApiError` for
 * whatever goes wrong. One file without dependencies; types.d.ts has the shapes of what the API answers.
 */

const API = "/api/v1";
const SPARE_MS = 30_000; // a token that ends so soon is exchanged before it is used
const PLAIN = "nexcorp.v1", BATCHED = "nexcorp.v1.batch";
const ANSWER_MS = 15_000;
const PACE_MS = 62, AHEAD_MS = 1000; // the service takes 20 commands a second, and 40 at once
const ACK_MS = 250;
const SILENT_MS = 30_000; // then it is asked whether it is there
const ROOMS_AT_ONCE = 20; // five of them count as a command more
const FINAL = 4500, MEND = [1002, 1007, 1009], GOING_AWAY = 4001, TOKEN_EXPIRED = 4005;
const SPARED = ["connected", "subscribed", "authenticated", "acknowledged", "pong", "token-expiring"];

/** @typedef {{epoch: string | null, seq: number | null}} Place a room is known up to `seq`, in this `epoch` */
/** @typedef {{event: string, data: any, room?: string, seq?: number, place?: Place}} Frame */
/** @typedef {{came?: Place, shown?: Place, acked?: number | null}} Room `came`: what has come; `shown`: what was taken */
/** @typedef {{resolve: (value: any) => void, reject: (error: Error) => void}} Waiting */

const sleep = (/** @type {number} */ ms) => new Promise((done) => setTimeout(done, ms));
/** Longer each time, and not the same for all clients. */
const pause = (/** @type {number} */ attempt) =>
  Math.min(30_000, 250 * 2 ** attempt) * (0.5 + Math.random() / 2);
const newId = () => {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
};

/** An answer that is no success, a refused command, or the end of a socket. */
export class ApiError extends Error {
  /**
   * @param {number} status of HTTP; 0 where there was no answer
   * @param {any} [body] the envelope of the error
   * @param {{wait?: number, closeCode?: number}} [more] `wait`: seconds after which it may be tried again
   */
  constructor(status, body, { wait = 0, closeCode } = {}) {
    super(body?.message ?? (status ? `The service answers ${status}.` : "The service cannot be reached."));
    this.name = "ApiError";
    this.status = status;
    /** @type {string} stable, for programs; "unreachable" where the service was not reached */
    this.code = body?.code ?? (status ? `http_${status}` : "unreachable");
    /** @type {Record<string, string[]>} what is wrong with which field */
    this.errors = body?.errors ?? {};
    /** @type {string | undefined} for whoever looks into the service's logs */
    this.requestId = body?.requestId;
    this.current = body?.current;
    this.wait = wait;
    this.closeCode = closeCode;
  }

  /** Whether the same may succeed a little later. */
  get passing() {
    return [0, 429, 502, 504].includes(this.status) ||
      (this.status === 503 && this.code !== "not_configured");
  }
}

const CLOSED = () => new ApiError(0, { code: "closed", message: "This was closed." });

/** Calls the API as one person, or as a program with an API key (`token`, which is never refreshed). */
export class Client {
  /** @type {any} the account, once signed in */
  user = null;
  /** @type {Promise<string | undefined> | null} */
  #refreshing = null;
  #until = 0;

  /**
   * @param {string} url
   * @param {{token?: string, refreshToken?: string, onRefresh?: (token: string) => void, platform?: "cli" | "mobile" | "web", tries?: number, patience?: number, timeout?: number, WebSocket?: any}} [options]
   *   `platform`: by "web" the refresh token is a cookie that no script sees; `onRefresh`: is told each new refresh
   *   token, to be kept; `tries`, `patience`: how often, and how many seconds at most to wait before one; `timeout`:
   *   milliseconds of a request; `WebSocket`: where there is none, as in Node before 22
   */
  constructor(url, options = {}) {
    this.url = url.replace(/\/+$/, "");
    this.options = { platform: "cli", tries: 6, patience: 60, timeout: 30_000, ...options };
    /** @type {string | undefined} the access token of this moment, which may be too old */
    this.token = options.token;
    this.refreshToken = options.refreshToken;
    if (options.token) this.#until = Infinity;
  }

  /**
   * Begin a session; gives the account.
   * @param {string} email
   * @param {string} password
   * @param {string} [device] a name to recognise it by
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

  /** Whether there is something to exchange for an access token. */
  get renews() {
    return Boolean(this.refreshToken) || (this.options.platform === "web" && this.#until !== Infinity);
  }

  /**
   * An access token that is good for a while, and not `old`; undefined where nobody is signed in.
   * @param {string} [old]
   */
  freshToken(old) {
    const good = this.token && this.token !== old && this.#until - Date.now() > SPARE_MS;
    if (good || !this.renews) return Promise.resolve(this.token);
    // Whoever asks meanwhile waits for the same one.
    this.#refreshing ??= this.#refresh().finally(() => this.#refreshing = null);
    return this.#refreshing;
  }

  async #refresh() {
    const body = this.refreshToken ? { refreshToken: this.refreshToken } : undefined;
    // Where its answer was lost, the same token is exchanged again.
    this.#keep(await this.#retry("POST", "/auth/refresh", { body, anonymous: true }));
    return this.token;
  }

  /**
   * The JSON of an answer, a Blob where it is none, null where it is empty; rejects with ApiError. A POST has an
   * Idempotency-Key, the same for each try, so that it is done once.
   * @param {string} method
   * @param {string} path below /api/v1
   * @param {{body?: any, params?: Record<string, any>, headers?: Record<string, string>, key?: string}} [options]
   *   `body`: a FormData, Blob or Uint8Array is sent as it is, all else as JSON; `key`: where it has to outlive
   *   this process
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
   * The items of a list, page after page, fetched as they are taken. `limit` is the size of a page.
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
   * A socket in these rooms, and in the own one: see Live.
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
        if (!error.passing || attempt >= tries || error.wait > patience) throw error;
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
        // A proxy's page: only its status says something.
      }
    }
    if (answer.ok) return parsed;
    const wait = Number(answer.headers.get("Retry-After")) || 0;
    throw new ApiError(answer.status, parsed instanceof Blob ? null : parsed, { wait });
  }
}

/**
 * One socket, which comes back by itself; iterate over it for frames, each once and in order.
 *
 * A frame counts as shown when the next one is taken, and is then acknowledged, with `ack`; `places` says how far that
 * is, and lets a later one go on from there. With `batch` frames of 20 ms come together.
 *
 * Two events are of this module: `lost` (frames of `room` were missed for good: fetch what it shows anew), and
 * `refused` (the service did not let this client back into `room`). Iterating rejects with ApiError where the service
 * ends it for good, with `closeCode` 4500 or above.
 */
export class Live {
  /** @type {Map<string, Room>} */
  #rooms = new Map();
  /** @type {Frame[]} */
  #frames = [];
  /** @type {(() => void) | null} */
  #wake = null;
  /** @type {Set<() => void>} those that end a pause */
  #pauses = new Set();
  /** @type {Map<number, Waiting>} */
  #answers = new Map();
  /** @type {Map<string, Waiting & {promise: Promise<Place>}>} */
  #joins = new Map();
  /** @type {any} */
  #socket = null;
  /** @type {ApiError | null} */
  #ended = null;
  /** @type {Set<Waiting>} those that wait for a connection */
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

  /** Connect and join; gives this, once it is in the rooms. */
  async open() {
    // Its own room comes of itself, under a name that is known once it is connected.
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

  /** Acknowledge what was shown, and end the socket. */
  async close() {
    if (this.#closed) return;
    if (this.ack && this.#up) await Promise.race([this.#acknowledgeOnce().catch(() => {}), this.#rest(1000)]);
    this.#closed = true;
    this.#socket?.close();
    // A timer would keep Node's process alive.
    this.#pauses.forEach((end) => end());
    this.#refuse(CLOSED());
    this.#wake?.();
  }

  /** How far each room has been shown: a plain object. */
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
   * Be in a room, from `place` on where it is given; gives where it stands. Fetch what the room shows behind this call:
   * frames from there on keep it complete.
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

  /** Be in a room no more. @param {string} name */
  async leave(name) {
    this.#rooms.delete(name);
    if (this.#up) await this.say("unsubscribe", { room: name });
  }

  /**
   * Send a command; gives the data of its answer, and rejects where it is refused or unanswered.
   * @param {string} event
   * @param {any} [data]
   */
  async say(event, data = {}) {
    await this.#connectedOnce();
    const id = ++this.#said;
    // Not sooner than the service takes it.
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
    // It may be that nobody waits for it any more.
    made.promise.catch(() => {});
    this.#joins.set(name, made);
    return made.promise;
  }

  /** As sleep(), but for close(). */
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

  /** Connect, read, and come back, until it is over for good. */
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
        // The status of a refused handshake is not told: it may be that the token is not taken.
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
   * One connection, from its handshake to its end.
   * @param {string | undefined} token
   * @returns {Promise<{code: number, reason: string, greeted: boolean}>}
   */
  #serve(token) {
    const url = new URL(this.client.url.replace(/^http/, "ws") + "/ws");
    const mine = this.#rooms.get(this.#own())?.came;
    if (mine?.epoch) url.search = String(new URLSearchParams({ epoch: mine.epoch, seq: String(mine.seq) }));
    this.#reason = null;
    const Socket = this.client.options.WebSocket ?? WebSocket;
    // A service that has no batches speaks the other one.
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
      // Nobody sees the service's pings here: ask it, and give up on it where it is silent.
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
      // Node before 22 tells of a refused handshake by this alone.
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

  /** The service says where a room stands that this is in. */
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

  /** Join rooms, those of one epoch together, from where they were. */
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
      // Overloaded, or gone already: all begins anew.
      socket?.close();
    }
  }

  async #renew() {
    try {
      await this.say("auth", { token: await this.client.freshToken(this.client.token) });
    } catch {
      // The socket ends by itself then, and the next one has a new token.
    }
  }

  async #acknowledge() {
    while (!this.#closed && !this.#ended) {
      await this.#rest(ACK_MS);
      if (this.#up) await this.#acknowledgeOnce().catch(() => {});
    }
  }

  /** Tell how far rooms were shown, those in which something was. */
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

  /** Whoever waits for a connection or a room is told that there will be none. */
  #refuse(/** @type {ApiError} */ error) {
    for (const waiting of [...this.#ups, ...this.#joins.values()]) waiting.reject(error);
    this.#ups.clear();
  }
}
