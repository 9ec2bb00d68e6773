/** Keys: `g` and a letter goes to a page, single letters act, and none of them while somebody types. */
import { go } from "./router.js";

/** @typedef {{keys: string, about: string, run: (event: KeyboardEvent) => void}} Binding */

/** Bindings of what is shown now, the newest first: of two with the same keys that one runs. @type {Binding[]} */
let bindings = [];
let first = "", firstAt = 0;

/**
 * Bind keys while a view is shown: "n", "?", "g f", "Alt+ArrowUp", "Mod+k" (Ctrl, on a Mac the command key).
 * @param {string} keys
 * @param {string} about key of the words, for the list of keys
 * @param {(event: KeyboardEvent) => void} run
 * @returns {() => void} a function that ends it
 */
export function bind(keys, about, run) {
  const binding = { keys, about, run };
  bindings = [binding, ...bindings];
  return () => {
    bindings = bindings.filter((other) => other !== binding);
  };
}

/** Several at once, as [keys, about, run]; for useEffect(() => bindAll([...]), []). */
export function bindAll(/** @type {[string, string, (event: KeyboardEvent) => void][]} */ all) {
  const ends = all.map((one) => bind(...one));
  return () => ends.forEach((end) => end());
}

/** What there is, for the list of keys: each once. */
export function listKeys() {
  const seen = new Set();
  return bindings.filter(({ keys }) => !seen.has(keys) && seen.add(keys));
}

/** Letters that go to a page. */
export function bindPages(/** @type {[string, string, string][]} */ pages) {
  return bindAll(pages.map(([letter, about, to]) => [`g ${letter}`, about, () => go(to)]));
}

const TYPING = "input, textarea, select, [contenteditable], .cm-editor";

function name(/** @type {KeyboardEvent} */ event) {
  const parts = [];
  if (event.ctrlKey || event.metaKey) parts.push("Mod");
  if (event.altKey) parts.push("Alt");
  parts.push(event.key.length === 1 ? event.key.toLowerCase() : event.key);
  return parts.join("+");
}

addEventListener("keydown", (event) => {
  if (event.isComposing || event.defaultPrevented) return;
  const target = /** @type {Element} */ (event.target), pressed = name(event);
  const typing = target.closest?.(TYPING);
  if (typing && !pressed.startsWith("Mod+")) return;
  if (target.closest?.("dialog[open]") && pressed.length === 1) return;
  const after = Date.now() - firstAt < 1200 ? `${first} ${pressed}` : "";
  const found = bindings.find(({ keys }) => keys === after) ?? bindings.find(({ keys }) => keys === pressed);
  [first, firstAt] = after && found ? ["", 0] : [pressed, Date.now()];
  if (!found) return;
  event.preventDefault();
  found.run(event);
});
