/** The current path and links: go to another path without reloading the page. */
import { effect, signal } from "../vendor/preact.js";
import { t } from "./words.js";

export const BASE = "/app";

/** The path below /app ("/" is the feed), and the query string. */
export const path = signal(read());
export const query = signal(new URLSearchParams(location.search));

function read() {
  let text = location.pathname;
  try {
    text = decodeURIComponent(text);
  } catch {
    // A malformed percent-encoding: keep the text, which matches no view.
  }
  return text.slice(BASE.length).replace(/\/$/, "") || "/";
}

/** The URL of a path below /app. */
export const href = (/** @type {string} */ to) => BASE + (to === "/" ? "/" : to);

/** Show a path below /app; `replace`: replace the current history entry. */
export function go(/** @type {string} */ to, { replace = false } = {}) {
  if (href(to) === location.pathname + location.search) return;
  history[replace ? "replaceState" : "pushState"](null, "", href(to));
  settle();
  scrollTo(0, 0);
}

/** Change parameters of the query string; null removes one. */
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

/** The number of unread notifications, shown before each title. */
export const unread = signal(0);

const title = signal("");

/** Set the window's title: "(3) Feed · NexCorp". */
export function setTitle(/** @type {string} */ text) {
  title.value = text;
}
effect(() => {
  document.title = `${unread.value ? `(${unread.value}) ` : ""}${title.value && `${title.value} · `}${
    t("app.name")
  }`;
});
