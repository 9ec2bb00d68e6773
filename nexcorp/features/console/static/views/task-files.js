/** The files of a task, and the people who watch it. */
import { html, useRef, useState } from "../vendor/preact.js";
import { api } from "../lib/api.js";
import { useAnswer } from "../lib/store.js";
import { Avatar, Icon, nameOf, number, toastError } from "../lib/ui.js";
import { t } from "../lib/words.js";
import { useEffect } from "../vendor/preact.js";
import { locale } from "../lib/words.js";

/** Format a size in bytes. */
function size(bytes) {
  const [unit, one] = bytes < 1e3 ? ["byte", 1] : bytes < 1e6 ? ["kilobyte", 1e3] : ["megabyte", 1e6];
  return new Intl.NumberFormat(locale.value, { style: "unit", unit, maximumFractionDigits: 1 }).format(
    bytes / one,
  );
}

export function Attachments({ task, writable, change }) {
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const [busy, setBusy] = useState(false);
  const [over, setOver] = useState(false);
  const ids = task.uploads.map(({ id }) => id);
  const add = async (files) => {
    setBusy(true);
    try {
      const added = [];
      for (const file of files) {
        const form = new FormData();
        form.append("file", file);
        added.push((await api("POST", "/uploads", form)).id);
      }
      await change({ uploadIds: [...ids, ...added] });
    } catch (error) {
      toastError(error);
    } finally {
      setBusy(false);
    }
  };
  return html`
    <div class=${`files ${over ? "over" : ""}`} onDragOver=${(event) => {
      if (!writable || !event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      setOver(true);
    }} onDragLeave=${() => setOver(false)} onDrop=${(event) => {
      setOver(false);
      if (!writable || !event.dataTransfer?.files.length) return;
      event.preventDefault();
      add([...event.dataTransfer.files]);
    }}>
      ${ids.length > 0 && html`<ul class="steps-list">${
        task.uploads.map((file) =>
          html`<li key=${file.id}>
          ${
            file.thumbnailUrl
              ? html`<img class="thumb" src=${file.thumbnailUrl} alt=${file.alt ?? ""} loading="lazy" />`
              : html`<${Icon} name=${file.width ? "image" : "paperclip"} />`
          }
          <a class="plain grow" href=${file.url} target="_blank" rel="noopener">${file.name}</a>
          <small class="muted">${size(file.bytes)}</small>
          ${
            writable && html`<button class="icon-button" aria-label=${
              t("tasks.removeFile", {
                name: file.name,
              })
            } onClick=${() => change({ uploadIds: ids.filter((id) => id !== file.id) })}><${Icon}
              name="x" /></button>`
          }</li>`
        )
      }</ul>`}
      ${writable && html`
        <input ref=${input} type="file" multiple hidden aria-label=${t("tasks.addFile")}
          onChange=${(event) => {
            add([...event.target.files]);
            event.target.value = "";
          }} />
        <button class="link" disabled=${busy}
          onClick=${() => input.current?.click()}><${Icon} name="upload" /> ${t(
            busy ? "tasks.uploading" : "tasks.addFile",
          )}</button>
      `}
      ${!writable && ids.length === 0 && html`<p class="muted">${t("tasks.none")}</p>`}
    </div>
  `;
}

export function Watchers({ task, round, onChange }) {
  const list = useAnswer(`/tasks/${task.id}/watchers?limit=20`);
  useEffect(() => {
    if (list.value) list.reload();
  }, [round, task.watching]);
  const toggle = async () => {
    try {
      const { watching } = await api(task.watching ? "DELETE" : "PUT", `/tasks/${task.id}/watch`);
      onChange(watching);
    } catch (error) {
      toastError(error);
    }
  };
  const people = list.value?.data ?? [];
  return html`
    <div class="watchers"><span class="muted">${t("tasks.watchers")}</span>
      <ul class="watch-faces" aria-label=${t("tasks.watchers")}>${people.slice(0, 6).map(({ user }) =>
        html`<li key=${user.id} title=${nameOf(user)}><${Avatar} person=${user} small /><span
          class="visually-hidden">${nameOf(user)}</span></li>`
      )}${people.length > 6 && html`<li class="muted">+${number(people.length - 6)}</li>`}</ul>
      <button aria-pressed=${task.watching} onClick=${toggle}><${Icon} name=${task.watching
        ? "eye-off"
        : "eye"} /> ${t(task.watching ? "tasks.unwatch" : "tasks.watch")}</button></div>
  `;
}
