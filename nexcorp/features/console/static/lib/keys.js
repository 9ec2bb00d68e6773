/** Keyboard shortcuts: `g` and a letter opens a page, single keys act; ignored while the user types, except Mod+. */
import { go } from "./router.js";

/** @typedef {{keys: string, about: string, run: (event: KeyboardEvent) => void}} Binding */

/** The active bindings, newest first; if two have the same keys, the newer one runs. @type {Binding[]} */
let bindings = [];
let first = "", firstAt = 0;

/**
 * Bind keys while a view is shown: "n", "?", "g f", "Alt+ArrowUp", "Mod+k" (Mod: Ctrl, or Command on a Mac).
 * @param {string} keys
 * @param {string} about key of its description in the words
 * @param {(event: KeyboardEvent) => void} run
 * @returns {() => void} a function that removes the binding
 */
export function bind(keys, about, run) {
  const binding = { keys, about, run };
  bindings = [binding, ...bindings];
  return () => {
    bindings = bindings.filter((other) => other !== binding);
  };
}

/** Bind several keys, each as [keys, about, run]; for useEffect(() => bindAll([...]), []). */
export function bindAll(/** @type {[string, string, (event: KeyboardEvent) => void][]} */ all) {
  const ends = all.map((one) => bind(...one));
  return () => ends.forEach((end) => end());
}

/** The active bindings for the list of shortcuts, without duplicates. */
export function listKeys() {
  const seen = new Set();
  return bindings.filter(({ keys }) => !seen.has(keys) && seen.add(keys));
}

/** Bind `g` and a letter to each page, given as [letter, about, path]. */
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
