/** Search by text through everything that the user may see. */
import { html, useEffect, useState } from "../vendor/preact.js";
import { href, query, setQuery } from "../lib/router.js";
import { usePaged } from "../lib/store.js";
import { Ago, Avatar, Empty, Heading, Icon, Marked, nameOf, PagedList } from "../lib/ui.js";
import { t } from "../lib/words.js";
/** @import { Found } from "../lib/types.d.ts" */

const KINDS = ["post", "comment", "person", "task", "project", "file"];
const ICONS = {
  post: "file-text",
  comment: "message-circle",
  person: "user",
  task: "check-square",
  project: "folder",
  file: "file",
};

/** The path of the page that shows a result. */
function placeOf(/** @type {Found} */ { kind, id, postId, person }) {
  switch (kind) {
    case "person":
      return `/people/${person?.username ?? id}`;
    case "comment":
      return `/posts/${postId}`;
    default:
      return `/${kind}s/${id}`;
  }
}

const Hit = (/** @type {{found: Found}} */ { found }) =>
  html`
    <li>
      ${found.person
        ? html`<${Avatar} person=${found.person} />`
        : html`<span class="hit"><${Icon} name=${ICONS[found.kind] ?? "file"} /></span>`}
      <span class="what">
        <a class="person" href=${href(placeOf(found))}>${found.title ?? nameOf(found.author)}</a>
        <span class="found"><${Marked} text=${found.highlight} /></span>
        <small class="muted">
          ${t(`search.kinds.${found.kind}`)} ${found.author &&
            html`· ${nameOf(found.author)}`} · <${Ago} at=${found.createdAt} />
        </small>
      </span>
    </li>
  `;

/** The results for a query. */
function Results(/** @type {{q: string, kind: string}} */ { q, kind }) {
  const list = usePaged(`/search?limit=30&q=${encodeURIComponent(q)}${kind ? `&kind=${kind}` : ""}`);
  const empty = html`<${Empty} icon="search" title=${t("search.nothing")}>${t("search.nothingHint")}<//>`;
  return html`
    <${PagedList} rows="list hits" list=${list} empty=${empty}>${(found) =>
      html`<${Hit} key=${found.kind + found.id} found=${found} />`}<//>
  `;
}

export default function Search() {
  const q = query.value.get("q") ?? "", kind = query.value.get("kind") ?? "";
  const [text, setText] = useState(q);
  useEffect(() => setText(q), [q]);
  const submit = (event) => {
    event.preventDefault();
    setQuery({ q: text.trim() });
  };
  return html`
    <div class="column">
      <${Heading} title=${q ? t("search.title", { q }) : t("pages.search")} />
      <form class="row" role="search" onSubmit=${submit}>
        <input type="search" maxlength="200" aria-label=${t("search.words")} placeholder=${t(
          "search.words",
        )} value=${text}
          autofocus=${!q} onInput=${(event) => setText(event.target.value)} />
        <button class="primary">${t("app.search")}</button>
      </form>
      <nav class="wrap" aria-label=${t("search.kind")}>
        ${["", ...KINDS].map((one) =>
          html`
            <button key=${one} class=${one === kind
              ? "chip on"
              : "chip"} aria-pressed=${one === kind} onClick=${() => setQuery({ kind: one })}>
              ${t(`search.of.${one || "all"}`)}
            </button>
          `
        )}
      </nav>
      ${q
        ? html`<${Results} q=${q} kind=${KINDS.includes(kind) ? kind : ""} />`
        : html`<${Empty} icon="search" title=${t("search.start")}>${t("search.startHint")}<//>`}
    </div>
  `;
}
