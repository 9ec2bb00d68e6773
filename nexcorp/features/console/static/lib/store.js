/** State that views keep: paged lists, drafts, and changes shown before the service has answered. */
import { signal, useEffect, useState } from "../vendor/preact.js";
import { DRAFTS, get, me } from "./api.js";
import { toast } from "./ui.js";
import { t } from "./words.js";

/** The key of a list's item: its own id, or the id of its user or subject. */
const keyOf = (/** @type {any} */ item) =>
  item.id ?? item.sha ?? item.user?.id ?? item.entity?.id ?? item.provider ?? item.path ?? item.n;

/**
 * A list that is read page by page. `items` is null until the first page has arrived.
 * @template [T=any]
 */
export class Paged {
  /** @param {string} path below /api/v1, with its query */
  constructor(path) {
    this.path = path;
    /** @type {import("../vendor/preact.js").Signal<T[] | null>} */
    this.items = signal(null);
    /** @type {import("../vendor/preact.js").Signal<any>} */
    this.problem = signal(null);
    this.loading = signal(false);
    /** @type {import("../vendor/preact.js").Signal<string | null>} */
    this.cursor = signal(null);
    /** The last page's answer, unchanged. @type {any} */
    this.answer = null;
    this.round = 0;
  }

  /** Read the first page; the present items stay until it has arrived. */
  async load(path = this.path) {
    this.path = path;
    this.round++;
    await this.read(null);
  }

  /** Read the next page. */
  async more() {
    if (this.cursor.peek() && !this.loading.peek()) await this.read(this.cursor.peek());
  }

  /** @param {string | null} cursor */
  async read(cursor) {
    const round = this.round;
    this.loading.value = true;
    this.problem.value = null;
    try {
      const mark = this.path.includes("?") ? "&" : "?";
      const page = await get(cursor ? `${this.path}${mark}cursor=${encodeURIComponent(cursor)}` : this.path);
      if (round !== this.round) return;
      this.answer = page;
      const known = new Set(cursor ? this.items.peek()?.map(keyOf) : []);
      const fresh = page.data.filter((/** @type {T} */ item) => !known.has(keyOf(item)));
      this.items.value = cursor ? [...this.items.peek() ?? [], ...fresh] : page.data;
      this.cursor.value = page.nextCursor ?? null;
    } catch (error) {
      if (round === this.round) this.problem.value = error;
    } finally {
      if (round === this.round) this.loading.value = false;
    }
  }

  /** Find an item by its key. */
  find(/** @type {string} */ id) {
    return this.items.peek()?.find((item) => keyOf(item) === id);
  }

  /** Change one item: `patch` has the new values, or computes them from the item. */
  change(/** @type {string} */ id, /** @type {Partial<T> | ((item: T) => Partial<T>)} */ patch) {
    const made = (/** @type {T} */ item) => ({
      ...item,
      ...(typeof patch === "function" ? patch(item) : patch),
    });
    this.items.value = this.items.peek()?.map((item) => keyOf(item) === id ? made(item) : item) ?? null;
  }

  /** Replace the item with the same key, or else add it at the front; `last`: at the end. */
  put(/** @type {T} */ item, { last = false } = {}) {
    const items = this.items.peek() ?? [];
    if (items.some((other) => keyOf(other) === keyOf(item))) this.change(keyOf(item), item);
    else this.items.value = last ? [...items, item] : [item, ...items];
  }

  remove(/** @type {string} */ id) {
    this.items.value = this.items.peek()?.filter((item) => keyOf(item) !== id) ?? null;
  }
}

/**
 * A paged list for a component; another `path` reads another list.
 * @param {string} path
 * @returns {Paged<any>}
 */
export function usePaged(path) {
  const [list] = useState(() => new Paged(path));
  useEffect(() => {
    list.items.value = null;
    list.load(path);
  }, [path]);
  return list;
}

/**
 * One answer of the API for a component: {value, problem, reload, set}.
 * @param {string | null} path below /api/v1; null: send no request yet
 */
export function useAnswer(path) {
  const [held, hold] = useState(
    /** @type {{path: string | null, value: any, problem: any}} */ ({
      path: null,
      value: null,
      problem: null,
    }),
  );
  const reload = async () => {
    if (!path) return;
    try {
      const value = await get(path);
      hold({ path, value, problem: null });
    } catch (problem) {
      hold((old) => ({ path, value: old.path === path ? old.value : null, problem }));
    }
  };
  useEffect(() => {
    reload();
  }, [path]);
  const now = held.path === path ? held : { value: null, problem: null };
  return {
    value: now.value,
    problem: now.problem,
    reload,
    set: (/** @type {any} */ value) => hold({ path, value, problem: null }),
  };
}

/**
 * Show a change and send it; if the request fails, undo it and show a toast.
 * @param {() => void} show
 * @param {() => Promise<any>} send
 * @param {() => void} undo
 * @returns {Promise<any>} the answer; undefined on failure
 */
export async function attempt(show, send, undo) {
  show();
  try {
    return await send();
  } catch (error) {
    undo();
    toast(/** @type {any} */ (error).first ?? t("app.failed"), "error");
  }
}

const keyOfDraft = (/** @type {string} */ name) => `${DRAFTS}${me.peek()?.id}-${name}`;

/** The signed-in user's stored draft, or null. */
export const readDraft = (/** @type {string} */ name) => sessionStorage.getItem(keyOfDraft(name));

/** Store the signed-in user's draft, so that it survives a reload; an empty text removes it. */
export function keepDraft(/** @type {string} */ name, /** @type {string} */ text) {
  if (text) sessionStorage.setItem(keyOfDraft(name), text);
  else sessionStorage.removeItem(keyOfDraft(name));
}

/**
 * A draft of the signed-in user, which survives reloads and lost connections. Returns
 * [text, set, clear]; `clear(sent)` keeps the text if the user has changed it since sending `sent`.
 */
export function useDraft(/** @type {string} */ name, initial = "") {
  const [text, show] = useState(() => readDraft(name) ?? initial);
  useEffect(() => show(readDraft(name) ?? initial), [name]);
  const set = (/** @type {string} */ next) => {
    keepDraft(name, next);
    show(next);
  };
  const clear = (/** @type {string | undefined} */ sent = undefined) => {
    if (sent === undefined || (readDraft(name) ?? "").trim() === sent) set("");
  };
  return /** @type {const} */ ([text, set, clear]);
}
