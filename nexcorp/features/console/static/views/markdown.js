/** The assistant's Markdown, rendered without scripts, forms or external resources. */
import { html, useEffect, useRef, useState } from "../vendor/preact.js";

/** @typedef {{parse: (text: string) => string, purify: typeof import("../vendor/markdown.js").DOMPurify}} Library */
/** @type {Promise<Library> | undefined} */
let library;

const escape = (/** @type {string} */ text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/** Show HTML in the model's output as text. */
async function load() {
  const { Marked, DOMPurify } = await import("../vendor/markdown.js");
  const marked = new Marked({
    async: false,
    breaks: true,
    gfm: true,
    renderer: { html: ({ text }) => escape(text), image: ({ text }) => escape(text) },
  });
  return { parse: (/** @type {string} */ text) => marked.parse(text), purify: DOMPurify };
}

const TAGS = [
  "a",
  "b",
  "blockquote",
  "br",
  "code",
  "del",
  "em",
  "h1",
  "h2",
  "h3",
  "h4",
  "hr",
  "li",
  "ol",
  "p",
  "pre",
  "strong",
  "table",
  "tbody",
  "td",
  "th",
  "thead",
  "tr",
  "ul",
];

/** Plain text until the library has loaded and while an answer is growing fast. */
export function Markdown(/** @type {{text: string}} */ { text }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const [ready, setReady] = useState(/** @type {any} */ (null));
  useEffect(() => {
    library ??= load();
    library.then((loaded) => setReady(loaded), () => {});
  }, []);
  useEffect(() => {
    if (!ready) return;
    const frame = requestAnimationFrame(() => {
      const made = ready.purify.sanitize(ready.parse(text), {
        ALLOWED_TAGS: TAGS,
        ALLOWED_ATTR: ["href", "align"],
        ALLOWED_URI_REGEXP: /^(?:https?:|mailto:)/i,
        RETURN_DOM_FRAGMENT: true,
      });
      for (const link of made.querySelectorAll("a")) {
        link.target = "_blank";
        link.rel = "noopener noreferrer nofollow";
      }
      box.current?.replaceChildren(made);
    });
    return () => cancelAnimationFrame(frame);
  }, [ready, text]);
  return ready ? html`<div class="markdown" ref=${box}></div>` : html`<p class="plain-text">${text}</p>`;
}
