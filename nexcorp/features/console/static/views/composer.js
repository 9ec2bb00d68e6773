/** The form of a new post: its text, pictures and files, and its kind. */
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { api, may, me } from "../lib/api.js";
import { bindAll } from "../lib/keys.js";
import { useDraft } from "../lib/store.js";
import { Avatar, Icon, toast, toastError } from "../lib/ui.js";
import { t } from "../lib/words.js";
/** @import { Post, Upload } from "../lib/types.d.ts" */

const MOST_FILES = 10;

/** Upload files one by one; resolves to the uploads, and shows a toast for each failure. */
export async function upload(/** @type {Iterable<File>} */ files) {
  /** @type {Upload[]} */
  const taken = [];
  for (const file of files) {
    const form = new FormData();
    form.append("file", file);
    try {
      taken.push(await api("POST", "/uploads", form));
    } catch (error) {
      toastError(error);
    }
  }
  return taken;
}

/** A button that picks files to upload. */
export function AddFiles(
  /** @type {{label: string, onTaken: (files: Upload[]) => void}} */ { label, onTaken },
) {
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const [busy, setBusy] = useState(false);
  const take = async () => {
    setBusy(true);
    onTaken(await upload(input.current?.files ?? []));
    setBusy(false);
    if (input.current) input.current.value = "";
  };
  return html`
    <input ref=${input} type="file" multiple hidden aria-label=${label} onChange=${take} />
    <button type="button" class="icon-button" disabled=${busy} aria-label=${label} title=${label}
      onClick=${() => input.current?.click()}>
      <${Icon} name="image" />
    </button>
  `;
}

/** The files attached to a draft. */
export const Chosen = (
  /** @type {{files: Upload[], onChange: (files: Upload[]) => void}} */ { files, onChange },
) =>
  files.length > 0 && html`
    <div class="wrap">
      ${files.map((file) =>
        html`
          <span key=${file.id} class="tag plain"><${Icon} name="paperclip" /> ${file.name}
            <button type="button" class="link" aria-label=${`${t("app.delete")} ${file.name}`} onClick=${() =>
              onChange(files.filter((one) => one !== file))}>
              <${Icon} name="x" /></button></span>
        `
      )}
    </div>
  `;

export function Composer(/** @type {{onPublished: (post: Post) => void}} */ { onPublished }) {
  const [text, setText, clear] = useDraft("post");
  const [title, setTitle, clearTitle] = useDraft("post-title");
  const [type, setType] = useState("normal");
  const [files, setFiles] = useState(/** @type {Upload[]} */ ([]));
  const [busy, setBusy] = useState(false);
  const area = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  useEffect(() => bindAll([["n", "keys.write", () => area.current?.focus()]]), []);
  const types = ["normal", "project", ...(may("post:announce") ? ["announcement"] : [])];
  const publish = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const body = text.trim();
    if (!body || busy) return;
    setBusy(true);
    try {
      const whole = {
        body,
        type,
        title: type === "normal" ? null : title.trim() || null,
        uploadIds: files.map((file) => file.id),
      };
      onPublished(await api("POST", "/posts", whole));
      clear(body);
      clearTitle();
      setFiles([]);
      setType("normal");
    } catch (error) {
      if (/** @type {any} */ (error).status === 0) toast(t("feed.offline"), "error");
      else toastError(error);
    } finally {
      setBusy(false);
    }
  };
  return html`
    <form class="card composer" onSubmit=${publish}>
      <${Avatar} person=${me.value} />
      <div>
        ${type !== "normal" && html`
          <input maxlength="200" aria-label=${t("feed.title")} placeholder=${t(
            "feed.title",
          )} value=${title} onInput=${(event) => setTitle(event.target.value)} />
        `}
        <textarea ref=${area} rows="2" maxlength="10000" aria-label=${t("feed.body")} placeholder=${t(
          "feed.placeholder",
        )} value=${text}
          onInput=${(event) => setText(event.target.value)}
          onKeyDown=${(event) =>
            event.key === "Enter" && (event.ctrlKey || event.metaKey) && publish(event)}></textarea>
        <${Chosen} files=${files} onChange=${setFiles} />
        <div class="row">
          <small class="muted wide-only"><kbd>n</kbd> ${t("feed.hint", {
            keys: "Ctrl Enter",
          })}</small><span class="grow"></span>
          ${may("upload:create") && files.length < MOST_FILES &&
            html`<${AddFiles} label=${t("feed.attach")} onTaken=${(taken) =>
              setFiles((all) => [...all, ...taken].slice(0, MOST_FILES))} />`}
          <select class="quiet-select" aria-label=${t("feed.kind")} onChange=${(event) =>
            setType(event.target.value)}>
            ${types.map((one) =>
              html`<option key=${one} value=${one} selected=${one === type}>${
                t(`post.types.${one}`)
              }</option>`
            )}
          </select>
          <button class="primary" disabled=${busy || !text.trim()}>${t("feed.publish")}</button>
        </div>
      </div>
    </form>
  `;
}
