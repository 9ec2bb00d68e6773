/** A binary file: replaced as a whole; pictures are shown, other files offered as a download. */
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { api } from "../lib/api.js";
import { Empty, Icon, Problem, Skeleton, toast, toastError } from "../lib/ui.js";
import { t } from "../lib/words.js";
import { asBytes, download, lastOf } from "./project-parts.js";
/** @import { File } from "../lib/types.d.ts" */

const PICTURES = /^image\/(png|jpeg|gif|webp|avif|svg\+xml|bmp|x-icon|vnd\.microsoft\.icon)$/;

/** A picture of the API; fetched by script, as the request needs the session's token. */
export function Picture(/** @type {{path: string, alt: string, type: string}} */ { path, alt, type }) {
  const [shown, show] = useState(/** @type {{url?: string, problem?: any}} */ ({}));
  useEffect(() => {
    const asked = new AbortController();
    let url = "";
    api("GET", path, undefined, { raw: true, signal: asked.signal }).then((answer) => answer.blob()).then(
      (blob) => {
        if (asked.signal.aborted) return;
        url = URL.createObjectURL(new Blob([blob], { type }));
        show({ url });
      },
    ).catch((problem) => asked.signal.aborted || show({ problem }));
    return () => {
      asked.abort();
      if (url) URL.revokeObjectURL(url);
    };
  }, [path]);
  if (shown.problem) return html`<${Problem} error=${shown.problem} />`;
  return shown.url ? html`<img src=${shown.url} alt=${alt} />` : html`<${Skeleton} count=${1} />`;
}

/** One version of a binary file: shown if it is a picture, and downloadable. */
export const Binary = (
  /** @type {{file: File, path: string, onDownload: () => void}} */ { file, path, onDownload },
) =>
  PICTURES.test(file.type)
    ? html`
      <figure class="picture">
        <${Picture} key=${`${path}-${file.contentVersion}`} path=${path} type=${file.type} alt=${lastOf(
          file.path,
        )} />
      </figure>
    `
    : html`<${Empty} icon="file" title=${lastOf(file.path)}>${file.type} · ${asBytes(file.bytes)}<br />
      <button class="primary" onClick=${onDownload}><${Icon} name="download" /> ${
      t("editor.download")
    }</button><//>`;

export default function BinaryFile(
  /** @type {{file: File, writable: boolean, onChange: (file: File) => void}} */ { file, writable, onChange },
) {
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const [busy, setBusy] = useState(false);
  const replace = async (/** @type {any} */ event) => {
    const [chosen] = event.target.files;
    event.target.value = "";
    if (!chosen) return;
    setBusy(true);
    try {
      const body = new Blob([chosen], { type: "application/octet-stream" });
      onChange(await api("PUT", `/files/${file.id}/content`, body));
      toast(t("app.saved"));
    } catch (error) {
      toastError(error);
    } finally {
      setBusy(false);
    }
  };
  return html`
    <section class="card editor" aria-label=${file.path}>
      <div class="editor-status"><span class="muted">${file.type} · ${asBytes(
        file.bytes,
      )}</span><span class="grow"></span>
        ${writable && html`
          <input ref=${input} type="file" hidden onChange=${replace} />
          <button disabled=${busy} onClick=${() => input.current?.click()}><${Icon} name="upload" /> ${t(
            "editor.replace",
          )}</button>
        `}</div>
      <${Binary} file=${file} path=${`/files/${file.id}/content`} onDownload=${() =>
        download(`/files/${file.id}/content`)} />
    </section>
  `;
}
