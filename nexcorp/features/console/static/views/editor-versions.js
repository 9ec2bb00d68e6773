/** The saved versions of a file: their authors and contents, and restoring one. */
import { html, useEffect, useState } from "../vendor/preact.js";
import { api } from "../lib/api.js";
import { on } from "../lib/live.js";
import { usePaged } from "../lib/store.js";
import {
  Ago,
  Dialog,
  Empty,
  exactly,
  Icon,
  nameOf,
  PagedList,
  Problem,
  Skeleton,
  toast,
  toastError,
} from "../lib/ui.js";
import { t } from "../lib/words.js";
import { Binary } from "./editor-binary.js";
import { asBytes, download, Faces } from "./project-parts.js";
/** @import { File, Version } from "../lib/types.d.ts" */

/** The content of an old version of a text. */
function OldText(/** @type {{path: string}} */ { path }) {
  const [held, hold] = useState(/** @type {{text?: string, problem?: any}} */ ({}));
  const load = () => {
    api("GET", path, undefined, { raw: true }).then((answer) => answer.text()).then(
      (text) => hold({ text }),
      (problem) => hold({ problem }),
    );
  };
  useEffect(load, [path]);
  if (held.problem) return html`<${Problem} error=${held.problem} retry=${load} />`;
  if (held.text === undefined) return html`<${Skeleton} count=${1} />`;
  return held.text
    ? html`<pre class="old-text" tabindex="0" aria-label=${t("editor.oldText")}>${held.text}</pre>`
    : html`<p class="muted">${t("editor.wasEmpty")}</p>`;
}

/** A dialog that shows one version and can restore it. */
function Look(/** @type {{file: File, one: Version, writable: boolean, onClose: () => void}} */ given) {
  const { file, one, writable, onClose } = given;
  const path = `/files/${file.id}/versions/${one.n}/content`;
  const [busy, setBusy] = useState(false);
  const restore = async () => {
    setBusy(true);
    try {
      await api("POST", `/files/${file.id}/versions/${one.n}/restore`);
      toast(t("editor.restored", { n: one.n }));
      onClose();
    } catch (error) {
      toastError(error);
    } finally {
      setBusy(false);
    }
  };
  return html`
    <${Dialog} title=${t("editor.version", { n: one.n })} onClose=${onClose} wide>
      <p class="muted">${exactly(one.createdAt)} · ${one.authors.map(nameOf).join(", ")} · ${asBytes(
        one.bytes,
      )}</p>
      ${file.kind === "text"
        ? html`<${OldText} path=${path} />`
        : html`<${Binary} file=${{ ...file, bytes: one.bytes }} path=${path} onDownload=${() =>
          download(path)} />`}
      <div class="wrap">
        ${writable && one.n !== file.contentVersion &&
          html`
            <button class="primary" disabled=${busy}
              onClick=${restore}><${Icon} name="undo" /> ${t("editor.restore")}</button>
          `}
        <button onClick=${() => download(path)}><${Icon} name="download" /> ${t("editor.download")}</button>
      </div>
    <//>
  `;
}

export default function Versions(
  /** @type {{file: File, writable: boolean, onClose: () => void}} */ { file, writable, onClose },
) {
  const list = usePaged(`/files/${file.id}/versions?limit=30`);
  const [shown, show] = useState(/** @type {Version | null} */ (null));
  useEffect(() => on("file:saved", (data) => data.fileId === file.id && list.load()), [file.id]);
  return html`
    <aside class="card versions" aria-label=${t("editor.versions")}>
      <header
        class="row"><h2>${t("editor.versions")}</h2><button class="icon-button" aria-label=${t(
          "app.close",
        )} onClick=${onClose}><${Icon} name="x" /></button></header>
      <${PagedList} list=${list} rows="version-list" count=${1} empty=${html`<${Empty} icon="history" title=${
        t(
          "editor.noVersions",
        )
      }>${t("editor.noVersionsHint")}<//>`}>
        ${(/** @type {Version} */ one) =>
          html`
            <li key=${one.n}>
              <button class="quiet version" onClick=${() => show(one)}>
                <span class="what"><b>${t("editor.version", { n: one.n })}${one.n === file.contentVersion &&
                  html`
                    <span class="tag ok">${t("editor.newest")}</span>
                  `}</b>
                <small class="muted">${t(`editor.causes.${one.cause}`, {
                  n: one.restoredFrom ?? "",
                })} · <${Ago} at=${one
                  .createdAt} /></small></span>
                <${Faces} people=${one.authors} label=${t("editor.authors")} />
              </button>
            </li>
          `}
      <//>
      ${shown && html`<${Look} file=${file} one=${shown} writable=${writable} onClose=${() => show(null)} />`}
    </aside>
  `;
}
