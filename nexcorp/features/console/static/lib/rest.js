/** What views beyond the first look need, fetched once: their words, and their styles. */
import { complete } from "./words.js";

const SHEETS = ["people", "settings", "work", "projects", "talk", "admin"];

/** Add a sheet of styles, and wait for it. */
const addSheet = (/** @type {string} */ name) =>
  new Promise((done, fail) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = new URL(`../styles/${name}.css`, import.meta.url).href;
    link.onload = done;
    link.onerror = () => {
      link.remove();
      fail(new Error(`styles of ${name}`));
    };
    document.head.append(link);
  });

/** @type {Promise<any> | undefined} */
let rest;

/** Fetch it, or wait for it; a failure is tried again by the next who asks. */
export function loadRest() {
  rest ??= Promise.all([
    import("../words/en-views.js").then((module) => complete(module.default)),
    ...SHEETS.map(addSheet),
  ]).catch((error) => {
    rest = undefined;
    throw error;
  });
  return rest;
}
