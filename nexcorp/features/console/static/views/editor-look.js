/** The editor's theme, from the console's design tokens, and the language of a file. */
import {
  EditorView,
  HighlightStyle,
  javascript,
  markdown,
  python,
  syntaxHighlighting,
  tags,
} from "../vendor/editor.js";

/** @type {[RegExp, () => import("../vendor/editor.js").Extension][]} */
const LANGUAGES = [
  [/\.(md|markdown|mdx)$/i, () => markdown()],
  [/\.pyi?$/i, () => python()],
  [/\.([cm]?js|json)$/i, () => javascript()],
  [/\.jsx$/i, () => javascript({ jsx: true })],
  [/\.[cm]?ts$/i, () => javascript({ typescript: true })],
  [/\.tsx$/i, () => javascript({ jsx: true, typescript: true })],
];

/** The editor's language for a file name; undefined if there is no match. */
export const languageOf = (/** @type {string} */ path) =>
  LANGUAGES.find(([pattern]) => pattern.test(path))?.[1]() ?? [];

const LOOK = EditorView.theme({
  "&": { backgroundColor: "var(--surface)", color: "var(--text)", fontSize: ".875rem" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.6", minHeight: "60dvh" },
  ".cm-content": { caretColor: "var(--accent)", padding: "1rem 0" },
  ".cm-line": { padding: "0 1rem" },
  ".cm-cursor, .cm-dropCursor": { borderLeftColor: "var(--accent)" },
  ".cm-gutters": { backgroundColor: "var(--surface)", color: "var(--muted)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": {
    backgroundColor: "color-mix(in srgb, var(--accent) 6%, transparent)",
  },
  ".cm-activeLineGutter": { color: "var(--text)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "color-mix(in srgb, var(--accent) 22%, transparent)",
  },
  ".cm-selectionMatch": { backgroundColor: "color-mix(in srgb, var(--accent) 14%, transparent)" },
  ".cm-placeholder": { color: "var(--muted)" },
  ".cm-panels, .cm-tooltip": {
    backgroundColor: "var(--raised)",
    color: "var(--text)",
    borderColor: "var(--line)",
  },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": {
    backgroundColor: "var(--accent-soft)",
    color: "var(--text)",
  },
  ".cm-matchingBracket": { outline: "1px solid var(--control)", backgroundColor: "transparent !important" },
  ".cm-foldPlaceholder": {
    backgroundColor: "var(--sunken)",
    borderColor: "var(--line)",
    color: "var(--muted)",
  },
  ".cm-ySelectionCaret": {
    marginLeft: "-1px",
    marginRight: "-1px",
    borderLeftWidth: "2px",
    borderRight: "none",
  },
  ".cm-ySelectionInfo": {
    fontFamily: "var(--font)",
    fontSize: ".6875rem",
    fontWeight: "600",
    padding: "1px 6px",
    borderRadius: "6px 6px 6px 0",
    top: "-1.5em",
    opacity: "1",
  },
});

const COLOURS = HighlightStyle.define([
  { tag: tags.strong, fontWeight: "700" },
  { tag: tags.heading, fontWeight: "700", color: "light-dark(#1f3a93, #9db4ff)" },
  { tag: tags.emphasis, fontStyle: "italic" },
  { tag: tags.strikethrough, textDecoration: "line-through" },
  { tag: [tags.link, tags.url], color: "var(--accent)" },
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: "light-dark(#8b2fa8, #d6a1ff)" },
  { tag: [tags.string, tags.special(tags.string), tags.monospace], color: "light-dark(#17734a, #7fd6a4)" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: "light-dark(#a33d00, #ffb27a)" },
  {
    tag: [tags.function(tags.variableName), tags.function(tags.propertyName)],
    color: "light-dark(#0b5fa5, #82c4ff)",
  },
  {
    tag: [tags.className, tags.typeName, tags.definition(tags.typeName)],
    color: "light-dark(#7a5200, #e8c46a)",
  },
  { tag: [tags.comment, tags.quote], color: "var(--muted)", fontStyle: "italic" },
  { tag: [tags.processingInstruction, tags.meta, tags.contentSeparator], color: "var(--muted)" },
  { tag: tags.invalid, color: "var(--danger)" },
]);

/** The editor's theme; its style elements carry the page's nonce, which the CSP requires. */
export const look = () => [
  EditorView.cspNonce.of(
    /** @type {HTMLMetaElement | null} */ (document.querySelector('meta[name="csp-nonce"]'))?.content ?? "",
  ),
  LOOK,
  syntaxHighlighting(COLOURS),
];
