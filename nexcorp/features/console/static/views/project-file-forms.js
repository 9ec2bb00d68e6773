/** Create, rename or move files, and the trash. */
import { html, useState } from "../vendor/preact.js";
import { api } from "../lib/api.js";
import { usePaged } from "../lib/store.js";
import { Ago, Dialog, Empty, Field, Icon, nameOf, PagedList, toast, toastError, useForm } from "../lib/ui.js";
import { t } from "../lib/words.js";
import { asBytes, sure } from "./project-parts.js";
/** @import { File, Project, TrashedFile } from "../lib/types.d.ts" */
/** @import { Target } from "./project-tree.js" */

/** A form with a path and a hint about its meaning. */
function PathForm(
  /** @type {{title: string, action: string, path: string, send: (path: string) => Promise<any>, onClose: () => void}} */ given,
) {
  const { title, action, path, send, onClose } = given;
  const { busy, problem, errors, submit } = useForm((values) => send(values.path.trim()));
  return html`
    <${Dialog} title=${title} onClose=${onClose}>
      <form class="form" onSubmit=${submit}>
        <${Field} label=${t("projects.filePath")} hint=${t(
          "projects.filePathHint",
        )} name="path" required maxlength="512"
          autofocus autocomplete="off" spellcheck=${false} value=${path} error=${errors.path ?? errors.to ??
            problem?.first} />
        <div class="wrap"><button class="primary" disabled=${busy}>${action}</button>
          <button type="button" class="quiet" onClick=${onClose}>${t("app.cancel")}</button></div>
      </form>
      <//>
  `;
}

/** The form of a new, empty text file. */
export const NewFile = (
  /** @type {{project: Project, folder: string, onDone: (file: File) => void, onClose: () => void}} */ given,
) =>
  html`<${PathForm} title=${t("projects.newFile")} action=${t("projects.createFile")} path=${
    given.folder &&
    `${given.folder}/`
  } onClose=${given.onClose} send=${async (/** @type {string} */ path) =>
    given.onDone(await api("POST", `/projects/${given.project.id}/files`, { path }))} />`;

/** The form that renames or moves a file or folder. */
export const Move = (
  /** @type {{project: Project, target: Target, onDone: () => void, onClose: () => void}} */ {
    project,
    target,
    onDone,
    onClose,
  },
) => {
  const from = target.kind === "file" ? target.file.path : target.path;
  const send = async (/** @type {string} */ to) => {
    if (to !== from) {
      await (target.kind === "file"
        ? api("PATCH", `/files/${target.file.id}`, { path: to, version: target.file.version })
        : api("PATCH", `/projects/${project.id}/folders`, { from, to: to.replace(/\/+$/, "") }));
    }
    onDone();
  };
  return html`<${PathForm} title=${t("projects.move")} action=${
    t("projects.move")
  } path=${from} send=${send} onClose=${onClose} />`;
};

/** The deleted files of a project. */
export function FileTrash(/** @type {{project: Project, onDone: () => void, onClose: () => void}} */ given) {
  const { project, onDone, onClose } = given;
  const list = usePaged(`/projects/${project.id}/files/trash?limit=30`);
  const [asked, ask] = useState(false);
  const restore = async (/** @type {TrashedFile} */ file) => {
    try {
      await api("POST", `/files/${file.id}/restore`);
      list.remove(file.id);
      toast(t("projects.fileBack", { path: file.path }));
      onDone();
    } catch (error) {
      toastError(error);
    }
  };
  const empty = async () => {
    if (!asked) return ask(true);
    try {
      await api("DELETE", `/projects/${project.id}/files/trash`);
      onClose();
      toast(t("projects.trashEmptied"));
    } catch (error) {
      toastError(error);
    }
  };
  return html`
    <${Dialog} title=${t("projects.fileTrash")} onClose=${onClose} wide>
      <${PagedList} list=${list} rows="rows" count=${1} empty=${html`<${Empty} icon="trash" title=${
        t(
          "projects.trashEmpty",
        )
      }>${t("projects.fileTrashHint")}<//>`}>
        ${(/** @type {TrashedFile} */ file) =>
          html`
            <li key=${file.id}
              class="row"><span class="what"><b>${file.path}</b><small class="muted">${asBytes(
                file.bytes,
              )} · <${Ago} at=${file
                .deletedAt} /> · ${nameOf(file.deletedBy)}</small></span>
              <button onClick=${() => restore(file)}><${Icon} name="undo" /> ${t(
                "projects.restore",
              )}</button></li>
          `}
      <//>
      ${project.role === "owner" && Boolean(list.items.value?.length) &&
        html`<div><button class="danger" onClick=${empty}>${
          sure(asked, t("projects.emptyTrash"))
        }</button></div>`}
    <//>
  `;
}
