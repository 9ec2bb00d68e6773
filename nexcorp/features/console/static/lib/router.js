/** Paths and links: which path is shown, and going to another without loading the page again. */
import { effect, signal } from "../vendor/preact.js";
import { t } from "./words.js";

export const BASE = "/app";

/** The path below /app, "/" for the feed, and what follows the question mark. */
export const path = signal(read());
export const query = signal(new URLSearchParams(location.search));

function read() {
  let text = location.pathname;
  try {
    text = decodeURIComponent(text);
  } catch {
    // Not what a browser encodes: it is the path of no view.
  }
  return text.slice(BASE.length).replace(/\/$/, "") || "/";
}

/** The address of a path below /app. */
export const href = (/** @type {string} */ to) => BASE + (to === "/" ? "/" : to);

/** Show a path below /app; `replace`: going back leads to the one before. */
export function go(/** @type {string} */ to, { replace = false } = {}) {
  if (href(to) === location.pathname + location.search) return;
  history[replace ? "replaceState" : "pushState"](null, "", href(to));
  settle();
  scrollTo(0, 0);
}

/** Change what follows the question mark; null takes a name away. */
export function setQuery(/** @type {Record<string, string | null | undefined>} */ values) {
  const next = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(values)) {
    if (value) next.set(name, value);
    else next.delete(name);
  }
  const text = next.toString();
  history.replaceState(null, "", location.pathname + (text ? `?${text}` : ""));
  settle();
}

function settle() {
  path.value = read();
  query.value = new URLSearchParams(location.search);
}

addEventListener("popstate", settle);
addEventListener("click", (event) => {
  const link = /** @type {Element} */ (event.target).closest?.("a[href^='/app']");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) {
    return;
  }
  if (link.hasAttribute("download") || link.getAttribute("target")) return;
  event.preventDefault();
  go((link.getAttribute("href") ?? "").slice(BASE.length) || "/");
});

/** The number of unread notifications, shown ahead of each title. */
export const unread = signal(0);

const title = signal("");

/** Say what is shown; the window is called "(3) Feed · NexCorp". */
export function setTitle(/** @type {string} */ text) {
  title.value = text;
}
effect(() => {
  document.title = `${unread.value ? `(${unread.value}) ` : ""}${title.value && `${title.value} · `}${
    t("app.name")
  }`;
});
