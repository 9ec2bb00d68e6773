/**
 * The WebSocket of this tab: its rooms, resuming after a break, and when to reconnect.
 *
 * Each numbered frame is delivered once and in order. State comes before frames: a view enters its room, fetches
 * the state, and applies the frames that arrived meanwhile to it (follow()).
 */
import { signal } from "../vendor/preact.js";
import { freshToken, me, paced, refresh } from "./api.js";

/** off, connecting, live or waiting (to reconnect). */
export const state = signal("off");

const LONGEST_MS = 30_000;
const HIDDEN_MS = 300_000;
const LATE_MS = 1500; // how long follow() waits to be in a room before it loads anyway
const TOO_MANY = 4504; // close code: this user has too many sockets
const ROOMS_AT_ONCE = 20; // the service counts one subscribe command as one more for every five rooms

/** @typedef {(event: string, data: any) => void} Handler */
/** @typedef {{epoch?: string, seq?: number, joined?: boolean, handlers: Set<Handler>, lost: Set<() => void>, entered: Set<() => void>}} Room */

/** @type {Map<string, Room>} */
const rooms = new Map();
/** @type {Map<string, Set<(data: any) => void>>} */
const listeners = new Map();
/** @type {WebSocket | undefined} */
let socket;
/** The position in the user's own room. @type {{epoch?: string, seq?: number}} */
let own = {};
let tries = 0, heard = 0, endedAt = 0, resting = false;
/** @type {number | undefined} */
let timer;

/** Call `handler` with the data of each frame of this event, in any room. Returns a function that removes it. */
export function on(/** @type {string} */ event, /** @type {(data: any) => void} */ handler) {
  const all = listeners.get(event) ?? new Set();
  listeners.set(event, all.add(handler));
  return () => all.delete(handler);
}

function emit(/** @type {string} */ event, /** @type {any} */ data) {
  listeners.get(event)?.forEach((handler) => handler(data));
}

/** Record the position at which the list of notifications was read: the socket resumes from there. */
export function standAt(/** @type {string} */ epoch, /** @type {number} */ seq) {
  if (own.epoch !== epoch || (own.seq ?? -1) < seq) own = { epoch, seq };
}

/** Record the position at which a room's state was read; if not joined yet, the room is joined from there. */
export function standIn(
  /** @type {string} */ name,
  /** @type {string | null} */ epoch,
  /** @type {number} */ seq,
) {
  const room = rooms.get(name);
  if (room && epoch && !room.joined) Object.assign(room, { epoch, seq });
}

/** Open the socket, unless it is open, this tab is resting or nobody is signed in. */
export async function connect() {
  clearTimeout(timer);
  if (socket || resting || !me.peek()) return;
  state.value = "connecting";
  let token;
  try {
    token = await freshToken();
  } catch {
    return later();
  }
  if (!token || socket) return;
  const url = new URL("/ws", location.href);
  url.protocol = url.protocol.replace("http", "ws");
  if (own.epoch) url.search = String(new URLSearchParams({ epoch: own.epoch, seq: String(own.seq) }));
  const mine = new WebSocket(url, ["nexcorp.v1", `bearer.${token}`]);
  socket = mine;
  mine.onmessage = ({ data }) => {
    heard = Date.now();
    if (socket === mine) receive(JSON.parse(data));
  };
  mine.onclose = ({ code, reason }) => {
    if (socket === mine) closed(code, reason);
  };
}

function closed(/** @type {number} */ code, /** @type {string} */ reason) {
  const opened = state.peek() === "live";
  socket = undefined;
  commands.clear();
  if (resting || !me.peek()) return;
  if (code >= 4500) return ended(code);
  // The browser hides the status of a refused handshake, which may be a 401: refresh the token.
  if (!opened && code === 1006) refresh().catch(() => {});
  const asked = code === 4001 ? Number(/[\d.]+/.exec(reason)?.[0] ?? 0) * 1000 : 0;
  later(asked);
}

/** Close codes from 4500 on: reconnect if the session goes on, but not twice in 30 s, nor with too many sockets. */
function ended(/** @type {number} */ code) {
  state.value = "off";
  const again = Date.now() - endedAt < LONGEST_MS;
  endedAt = Date.now();
  if (again || code === TOO_MANY) emit("ended", { code });
  else refresh().then((token) => token && later(), () => later());
}

function later(asked = 0) {
  clearTimeout(timer);
  state.value = "waiting";
  const wait = Math.min(LONGEST_MS, 500 * 2 ** tries++) * (0.5 + Math.random() / 2);
  timer = setTimeout(connect, Math.max(asked, wait));
}

function receive(/** @type {any} */ { event, data, room, seq }) {
  if (event === "connected") {
    tries = 0;
    state.value = "live";
    const missed = own.epoch !== undefined && !data.recovered;
    own = { epoch: data.epoch, seq: data.recovered ? own.seq : data.seq };
    for (const name of rooms.keys()) joins.add(name);
    joinAll();
    if (missed) emit("lost", {});
  } else if (event === "subscribed") {
    joined(data);
  } else if (event === "unsubscribed") {
    // The service removed us from the room: we may have lost access, which the reload will show.
    const left = rooms.get(data.room);
    if (left?.joined) {
      left.joined = false;
      left.lost.forEach((lost) => lost());
    }
  } else if (event === "token-expiring") {
    refresh().then((token) => token && say("auth", { token: token.text }), () => {});
    return;
  }
  if (room && seq !== undefined) {
    const at = room === `user:${me.peek()?.id}` ? own : rooms.get(room);
    if (!at || seq <= (at.seq ?? -1)) return;
    at.seq = seq;
    if (at === own) say("ack", { room, seq });
  }
  if (room) rooms.get(room)?.handlers.forEach((handler) => handler(event, data));
  emit(event, data);
}

/** Handle the answer to a subscribe command: each room's position, or the error why it was not joined. */
function joined(/** @type {any} */ data) {
  for (const point of data.rooms ?? [data]) {
    const room = rooms.get(point.room);
    if (!room) continue;
    // Run the loads that waited for the room. On an error run all of them: each will show that the room is gone.
    new Set([...room.entered, ...(point.error ? room.lost : [])]).forEach((read) => read());
    room.entered.clear();
    if (point.error) continue;
    const again = room.epoch !== undefined || (point.room === "feed" && room.joined);
    if (!point.recovered) room.seq = point.seq;
    room.epoch = point.epoch ?? undefined;
    room.joined = true;
    if (again && !point.recovered) room.lost.forEach((lost) => lost());
  }
}

const commands = paced((text) => socket?.readyState === WebSocket.OPEN && socket.send(text));

/** Queue a command. The queue is dropped when the socket closes. */
export const say = commands.say;

/** Rooms to join: all that are added in one turn go into one command. @type {Set<string>} */
const joins = new Set();
/** @type {number | undefined} */
let joining;

function join(/** @type {string} */ name) {
  joins.add(name);
  commands.stay(name);
  joining ??= setTimeout(joinAll, 0);
}

function joinAll() {
  clearTimeout(joining);
  joining = undefined;
  const names = [...joins].filter((name) => rooms.has(name));
  joins.clear();
  /** One command takes only rooms of the same epoch. @type {Map<string | undefined, any[]>} */
  const byEpoch = new Map();
  for (const name of names) {
    const { epoch, seq } = /** @type {Room} */ (rooms.get(name));
    const known = name === "feed" ? undefined : epoch;
    byEpoch.set(known, [...byEpoch.get(known) ?? [], known ? { room: name, seq } : name]);
  }
  for (const [epoch, all] of byEpoch) {
    for (let at = 0; at < all.length; at += ROOMS_AT_ONCE) {
      say("subscribe", { rooms: all.slice(at, at + ROOMS_AT_ONCE), ...(epoch ? { epoch } : {}) });
    }
  }
}

/**
 * Join a room while something shows it. `lost` is called after missed frames: fetch the state again.
 * Returns a function that leaves the room.
 * @param {string} name
 * @param {Handler} handler
 * @param {() => void} lost
 */
export function enter(name, handler, lost) {
  let room = rooms.get(name);
  if (!room) {
    room = { handlers: new Set(), lost: new Set(), entered: new Set() };
    rooms.set(name, room);
    if (state.peek() === "live") join(name);
  }
  const { handlers } = room;
  handlers.add(handler);
  room.lost.add(lost);
  return () => {
    handlers.delete(handler);
    room.lost.delete(lost);
    if (handlers.size || rooms.get(name) !== room) return;
    rooms.delete(name);
    if (state.peek() === "live") commands.leave(name);
  };
}

/**
 * Show the state of a room: enter it, call `load()`, then `apply(event, data)` for the frames that arrived
 * meanwhile and later; load again after missed frames. Returns a function that ends this.
 * @param {string} name
 * @param {() => Promise<void>} load
 * @param {Handler} apply
 */
export function follow(name, load, apply) {
  /** @type {[string, any][] | null} */
  let waiting = [];
  let ended = false, round = 0;
  async function reload() {
    const mine = ++round;
    waiting ??= [];
    await load().catch(() => {});
    if (ended || mine !== round) return;
    const missed = waiting;
    waiting = null;
    missed.forEach(([event, data]) => apply(event, data));
  }
  const leave = enter(
    name,
    (event, data) => waiting ? waiting.push([event, data]) : apply(event, data),
    reload,
  );
  const room = /** @type {Room} */ (rooms.get(name));
  // Frames sent between the answer to load() and joining would be lost, so load once the room is joined. While
  // offline, load at once as well, to show something.
  if (!room.joined) room.entered.add(reload);
  if (room.joined || state.peek() !== "live") reload();
  const late = setTimeout(() => round || reload(), LATE_MS);
  return () => {
    ended = true;
    clearTimeout(late);
    room.entered.delete(reload);
    leave();
  };
}

/** Close the socket and forget all positions, as on signing out. */
export function stop() {
  clearTimeout(timer);
  own = {};
  rooms.clear();
  drop();
  state.value = "off";
}

function drop() {
  const old = socket;
  socket = undefined;
  commands.clear();
  old?.close();
}

/** After sleep a dead socket may look open for minutes: ping it, and reconnect if no answer comes within 3 s. */
function check() {
  tries = 0;
  if (socket?.readyState !== WebSocket.OPEN) {
    if (!socket) connect();
    return;
  }
  const asked = Date.now(), mine = socket;
  mine.send(JSON.stringify({ event: "ping", data: {} }));
  setTimeout(() => {
    if (heard >= asked || socket !== mine) return;
    drop();
    connect();
  }, 3000);
}

function rest() {
  resting = true;
  drop();
  state.value = "waiting";
}

function wake() {
  resting = false;
  check();
}

let shown = new AbortController();
/** @type {number | undefined} */
let dozing;
document.addEventListener("visibilitychange", () => {
  clearTimeout(dozing);
  if (document.hidden) {
    shown = new AbortController();
    const { signal } = shown;
    // Loaded here, as few pages need it.
    dozing = setTimeout(
      () => import("./hidden.js").then(({ doze }) => doze(signal, rest, wake), () => {}),
      HIDDEN_MS,
    );
  } else {
    shown.abort();
    wake();
  }
});
addEventListener("online", check);
