/**
 * A text that several people edit: its document, its connection, the people in it, and whether it is saved.
 *
 * Only the service knows what is saved: it echoes a message once everything sent before it is committed. Until the
 * document is synced, the user's edits exist on this device only.
 */
import { signal } from "../vendor/preact.js";
import { WebsocketProvider, Y } from "../vendor/editor.js";
import { freshToken, heldToken, me, refresh } from "../lib/api.js";
import { hueOf, nameOf, toast } from "../lib/ui.js";
import { t } from "../lib/words.js";

const SAVED = 102, DENIED = 2;
const ASK_MS = 120; // at most one message per interval: the service accepts 100 a second

/** @typedef {"connecting" | "saved" | "saving" | "offline" | "kept" | "refused" | "ended"} State */
/** @typedef {{id: string, name: string, color: string}} Here */

/** Open texts, and closed ones with unsaved edits, by file id. @type {Map<string, Session>} */
const sessions = new Map();

export class Session {
  /** @param {string} fileId */
  constructor(fileId) {
    this.fileId = fileId;
    this.who = me.peek()?.id;
    /** The state of the user's edits; `kept`: some exist on this device only. */
    this.state = signal(/** @type {State} */ ("connecting"));
    /** Whether the document has arrived; before that its text is empty. */
    this.loaded = signal(false);
    /** The close code with which the service ended the session, or 0. */
    this.code = signal(0);
    /** The people in the document, each once. */
    this.here = signal(/** @type {Here[]} */ ([]));
    this.doc = new Y.Doc();
    this.asked = 0;
    /** Whether some edits are not confirmed as saved. */
    this.dirty = false;
    this.refused = false;
    this.users = 0;
    /** @type {number | undefined} */
    this.timer = undefined;
    const server = `${location.origin.replace(/^http/, "ws")}/collab`;
    this.provider = new WebsocketProvider(server, fileId, this.doc, {
      connect: false,
      disableBc: true,
      maxBackoffTime: 8000,
      params: { refuse: "close" },
      // Codes 4400 to 4499 are final; from 4500 on clients must not reconnect either.
      shouldReconnect: ({ code }) => code < 4400,
    });
    // Read at each connect, so that each connection uses the current token.
    Object.defineProperty(this.provider, "protocols", {
      get: () => ["nexcorp.v1", `bearer.${heldToken()}`],
    });
    this.listen();
    this.connect();
  }

  get text() {
    // Most texts are named `content`; another editor may have used its own name.
    const names = [.../** @type {any} */ (this.doc).share.keys()];
    return this.doc.getText(names.length === 1 ? names[0] : "content");
  }

  async connect() {
    this.code.value = 0;
    try {
      if (await freshToken()) this.provider.connect();
    } catch {
      setTimeout(() => sessions.get(this.fileId) === this && this.connect(), 3000);
    }
  }

  listen() {
    const { doc, provider } = this, { awareness } = provider;
    doc.on("update", (_update, origin) => {
      if (origin === provider) return;
      this.dirty = true;
      this.show();
      if (provider.synced) this.ask();
    });
    provider.on("sync", (synced) => {
      if (synced) {
        this.loaded.value = true;
        // Ask about edits made offline and edits that the broken connection may have lost.
        this.ask(0);
      }
      this.show();
    });
    provider.on("status", ({ status }) => {
      // Peers accept an awareness state only with a newer clock, so set it again.
      if (status === "connected") awareness.setLocalState(awareness.getLocalState());
      this.show();
    });
    let renewed = false;
    provider.on("connection-close", (event) => {
      if (event?.code === 4401 && !renewed) {
        // The access token may have expired while the session is still valid.
        renewed = true;
        refresh().then((token) => token ? provider.connect() : this.end(4401), () => this.connect());
      } else if (event?.code >= 4400) this.end(event.code);
      else {
        renewed = false;
        freshToken().catch(() => {});
      }
      this.show();
    });
    provider.messageHandlers[SAVED] = (_encoder, decoder) => {
      const answer = new DataView(decoder.arr.buffer, decoder.arr.byteOffset + decoder.pos).getUint32(0);
      decoder.pos += 4;
      if (answer !== this.asked || this.timer !== undefined) return;
      this.dirty = false;
      this.show();
      if (!this.users) this.drop();
    };
    provider.messageHandlers[DENIED] = (_encoder, decoder) => {
      decoder.pos = decoder.arr.length;
      this.refused = true;
      this.show();
    };
    awareness.on("change", () => this.look());
    this.retry = () => !provider.wsconnected && !this.code.peek() && this.connect();
    addEventListener("online", this.retry);
    // A socket without a network looks open for half a minute: drop it and reconnect.
    this.cut = () => {
      if (this.code.peek()) return;
      provider.disconnect();
      provider.connect();
    };
    addEventListener("offline", this.cut);
  }

  /** Ask the service, after `wait` ms, whether everything sent so far is committed. */
  ask(wait = ASK_MS) {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      const { ws, synced } = this.provider;
      if (!synced || ws?.readyState !== WebSocket.OPEN) return;
      this.asked = (this.asked + 1) % 2 ** 32;
      const message = new DataView(new ArrayBuffer(5));
      message.setUint8(0, SAVED);
      message.setUint32(1, this.asked);
      ws.send(message.buffer);
    }, wait);
  }

  end(/** @type {number} */ code) {
    this.code.value = code;
    this.show();
    // The file was closed with unsaved edits, which are kept: opening it again shows them.
    if (!this.users && this.dirty) toast(t("editor.left"), "error");
  }

  /** Send refused edits again, once the user may write. */
  resend() {
    this.refused = false;
    this.provider.disconnect();
    this.connect();
  }

  /** Update `state`. */
  show() {
    const { synced } = this.provider;
    this.state.value = this.code.peek()
      ? "ended"
      : this.refused && this.dirty
      ? "refused"
      : synced
      ? this.dirty ? "saving" : "saved"
      : this.dirty
      ? "kept"
      : this.loaded.peek()
      ? "offline"
      : "connecting";
  }

  /** Update `here`; the service adds the true user id to each person's state. */
  look() {
    /** @type {Map<string, Here>} */
    const here = new Map();
    for (const [client, { user, userId }] of this.provider.awareness.getStates()) {
      if (!user) continue;
      const id = client === this.doc.clientID ? me.peek()?.id : userId ?? String(client);
      here.set(id, { id, name: String(user.name), color: String(user.color) });
    }
    this.here.value = [...here.values()];
  }

  /** Show the user's name and colour to the others. */
  greet() {
    const person = me.peek(), hue = hueOf(person.id);
    this.provider.awareness.setLocalState({
      ...this.provider.awareness.getLocalState(),
      user: { name: nameOf(person), color: `hsl(${hue} 65% 30%)`, colorLight: `hsl(${hue} 70% 55% / .25)` },
    });
  }

  drop() {
    if (sessions.get(this.fileId) === this) sessions.delete(this.fileId);
    if (this.retry) removeEventListener("online", this.retry);
    if (this.cut) removeEventListener("offline", this.cut);
    clearTimeout(this.timer);
    this.provider.destroy();
    this.doc.destroy();
  }
}

/** Open a text; reuse its session if it was closed with unsaved edits. */
export function open(/** @type {string} */ fileId) {
  let session = sessions.get(fileId);
  if (!session || session.who !== me.peek()?.id || (session.code.peek() && !session.dirty)) {
    session?.drop();
    session = new Session(fileId);
    sessions.set(fileId, session);
  }
  session.users++;
  session.greet();
  return session;
}

/** Close a text: hidden from the others, it stays connected until its edits are saved. */
export function leave(/** @type {Session} */ session) {
  session.users--;
  if (session.users) return;
  session.provider.awareness.setLocalState(null);
  if (!session.dirty) session.drop();
}

addEventListener("beforeunload", (event) => {
  if ([...sessions.values()].some(({ dirty, refused }) => dirty && !refused)) event.preventDefault();
});
