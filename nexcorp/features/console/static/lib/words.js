/**
 * The texts of the console, in the reader's language.
 *
 * A language is one file in words/, with the shape of en.js and en-views.js together, and a line in LANGUAGES. Texts
 * that it lacks are shown in English.
 */
import { signal } from "../vendor/preact.js";
import english from "../words/en.js";

/** @type {Record<string, {name: string, load: () => Promise<{default: any}>}>} */
export const LANGUAGES = {
  en: { name: "English", load: () => Promise.resolve({ default: english }) },
  de: { name: "Deutsch", load: () => import("../words/de.js") },
};
const CHOICE = "nexcorp-language";

/** The code of the current language. */
export const language = signal("en");
/** The locale for dates and numbers: "en-GB". */
export const locale = signal(localeOf("en"));
/** @type {any} */
let words = english;
let plural = new Intl.PluralRules("en");

function localeOf(/** @type {string} */ code) {
  return navigator.languages.find((tag) => /^[a-z]+-[A-Z]{2}$/.test(tag) && tag.startsWith(`${code}-`)) ??
    code;
}

function find(/** @type {any} */ tree, /** @type {string[]} */ names) {
  return names.reduce((node, name) => node?.[name], tree);
}

/** The text without bidirectional control characters, which would affect the text around it. */
export const plain = (/** @type {string} */ text) => text.replace(/[\u202a-\u202e\u2066-\u2069]/g, "");

/**
 * The text for a key, as t("feed.fresh", {count: 3}). Each `{name}` is replaced by the value of that name; if the
 * text has plural forms (one, other, ...), `count` chooses among them.
 * @param {string} key
 * @param {Record<string, any>} [values]
 * @returns {string}
 */
export function t(key, values = {}) {
  language.value; // subscribes the rendering component to the language
  const names = key.split(".");
  let text = find(words, names) ?? find(english, names) ?? key;
  if (typeof text === "object") text = text[plural.select(values.count ?? 0)] ?? text.other;
  return text.replace(
    /\{(\w+)\}/g,
    (/** @type {string} */ whole, /** @type {string} */ name) =>
      name === "count" && typeof values.count === "number"
        ? new Intl.NumberFormat(locale.peek()).format(values.count)
        : plain(String(values[name] ?? whole)),
  );
}

/** Add the English texts that the other views need. */
export function complete(/** @type {any} */ more) {
  Object.assign(english, more);
}

/** Whether a key has an English text; the service may send names that are not known here. */
export const has = (/** @type {string} */ key) => typeof find(english, key.split(".")) === "string";

/** Switch to another language; `remember`: also after a reload. */
export async function choose(/** @type {string} */ code, remember = true) {
  words = (await LANGUAGES[code].load()).default;
  plural = new Intl.PluralRules(code);
  document.documentElement.lang = code;
  if (remember) localStorage.setItem(CHOICE, code);
  locale.value = localeOf(code);
  language.value = code;
}

/** Switch to the language chosen before, or else to the browser's. */
export async function begin() {
  const wanted = [localStorage.getItem(CHOICE), ...navigator.languages.map((tag) => tag.slice(0, 2))];
  const code = wanted.find((tag) => tag && LANGUAGES[tag]);
  if (code && code !== "en") await choose(code, false);
}
