/** The files of a project as a tree: a folder loads when opened and is kept current by the project's room. */
import { html, useEffect, useState } from "../vendor/preact.js";
import { get } from "../lib/api.js";
import { on } from "../lib/live.js";
import { href } from "../lib/router.js";
import { usePaged } from "../lib/store.js";
import { Ago, Icon, Problem } from "../lib/ui.js";
import { t } from "../lib/words.js";
import { asBytes, Faces, folderOf, lastOf } from "./project-parts.js";
/** @import { File, Folder, Person, Project } from "../lib/types.d.ts" */

/** @typedef {{kind: "file", file: File} | {kind: "folder", path: string}} Target */
/**
 * @typedef {{project: Project, round: number, here: Map<string, Person[]>, onMenu: (target: Target, button: Element) => void}} Given
 *   `round`: a new number reloads everything; `here`: who has each file open; `onMenu`: opens the menu of actions
 */

const PICTURE = /\.(png|jpe?g|gif|webp|avif|svg|ico|bmp)$/i;

const MenuButton = (/** @type {{name: string, onClick: (event: any) => void}} */ { name, onClick }) =>
  html`
    <button class="icon-button" aria-haspopup="menu" aria-label=${t("projects.actions", {
      name,
    })}
      onClick=${onClick}><${Icon} name="more-horizontal" /></button>
  `;

/** One file. */
const FileRow = (/** @type {Given & {file: File, depth: number}} */ { file, depth, here, onMenu }) => {
  const name = lastOf(file.path);
  return html`
    <li>
      <div class="tree-row" style=${{ "--depth": depth }}>
        <${Icon} name=${file.kind === "text" ? "file-text" : PICTURE.test(name) ? "image" : "file"} />
        <a class="plain grow" href=${href(`/files/${file.id}`)}>${name}</a>
        <${Faces} people=${here.get(file.id) ?? []} label=${t("projects.inIt")} />
        <small class="muted wide-only size">${asBytes(file.bytes)}</small>
        <small class="muted wide-only when"><${Ago} at=${file.updatedAt} /></small>
        <${MenuButton} name=${name} onClick=${(event) =>
          onMenu({ kind: "file", file }, event.currentTarget)} />
      </div>
    </li>
  `;
};

/** One folder; when open, with its contents. */
function FolderRow(/** @type {Given & {folder: Folder, depth: number}} */ { folder, depth, ...given }) {
  const [open, setOpen] = useState(depth === 0 && folder.files <= 20);
  const name = lastOf(folder.path);
  return html`
    <li>
      <div class="tree-row" style=${{ "--depth": depth }}>
        <button class="quiet folder grow" aria-expanded=${open} onClick=${() => setOpen(!open)}>
          <${Icon} name=${open ? "chevron-down" : "chevron-right"} /><${Icon} name="folder" />
          <span>${name}</span> <small class="muted">${t("projects.files", {
            count: folder.files,
          })}</small></button>
        <small class="muted wide-only size">${asBytes(folder.bytes)}</small>
        <span class="wide-only when"></span>
        <${MenuButton} name=${name} onClick=${(event) =>
          given.onMenu({ kind: "folder", path: folder.path }, event.currentTarget)} />
      </div>
      ${open && html`<${Level} ...${given} prefix=${folder.path} depth=${depth + 1} />`}
    </li>
  `;
}

/**
 * The contents of a folder, subfolders first.
 * @param {Given & {prefix?: string, depth?: number, empty?: any}} given
 */
export function Level({ prefix = "", depth = 0, empty, ...given }) {
  const { project, round } = given;
  const asked = prefix ? `&prefix=${encodeURIComponent(prefix)}` : "";
  const folders = usePaged(`/projects/${project.id}/folders?limit=100${asked}`);
  const files = usePaged(`/projects/${project.id}/files?deep=false&limit=100${asked}`);
  useEffect(() => {
    if (!round) return;
    folders.load();
    files.load();
  }, [round]);
  useEffect(() => {
    const mine = (/** @type {any} */ data) => data.projectId === project.id;
    /** Insert a file in path order, or remove it if it left this folder. */
    const put = (/** @type {File} */ file) => {
      if (folderOf(file.path) !== prefix) return files.remove(file.id);
      const others = (files.items.peek() ?? []).filter((one) => one.id !== file.id);
      files.items.value = [...others, file].sort((one, other) => one.path < other.path ? -1 : 1);
    };
    const ends = [
      on("file:created", (data) => {
        if (!mine(data)) return;
        put(data);
        folders.load();
      }),
      on("file:updated", (data) => {
        if (!mine(data)) return;
        put(data);
        folders.load();
      }),
      on("file:deleted", (data) => {
        files.remove(data.id);
        folders.load();
      }),
      on(
        "file:saved",
        ({ fileId }) =>
          files.find(fileId) && get(`/files/${fileId}`).then((now) => files.change(fileId, now), () => {}),
      ),
      on("folder:changed", (data) => {
        if (data.id !== project.id) return;
        folders.load();
        files.load();
      }),
    ];
    return () => ends.forEach((end) => end());
  }, [project.id, prefix]);
  const problem = folders.problem.value ?? files.problem.value;
  if (problem) {
    return html`<${Problem} error=${problem} retry=${() => {
      folders.load();
      files.load();
    }} />`;
  }
  if (!folders.items.value || !files.items.value) {
    return html`<p class="tree-row muted" role="status" style=${{ "--depth": depth }}>${
      t("app.loading")
    } …</p>`;
  }
  if (empty && !folders.items.value.length && !files.items.value.length) return empty;
  const more = folders.cursor.value ? folders : files.cursor.value ? files : null;
  return html`
    <ul class="tree">
      ${folders.items.value.map((folder) =>
        html`<${FolderRow} key=${folder.path} ...${given} folder=${folder} depth=${depth} />`
      )}
      ${!folders.cursor.value &&
        files.items.value.map((file) =>
          html`<${FileRow} key=${file.id} ...${given} file=${file} depth=${depth} />`
        )}
      ${more &&
        html`<li class="tree-row" style=${{ "--depth": depth }}><button class="link" onClick=${() =>
          more.more()}>${t("app.more")}</button></li>`}
    </ul>
  `;
}
