/** The files of a project: the tree, who has each file open, and the actions on them. */
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { api, get } from "../lib/api.js";
import { go, href } from "../lib/router.js";
import { Empty, Icon, toast, toastError } from "../lib/ui.js";
import { t } from "../lib/words.js";
import { FileTrash, Move, NewFile } from "./project-file-forms.js";
import { belongs, download, Faces, folderOf, writes } from "./project-parts.js";
import { Level } from "./project-tree.js";
/** @import { File as ProjectFile, OpenFile, Person, Project } from "../lib/types.d.ts" */
/** @import { Target } from "./project-tree.js" */

const PRESENCE_MS = 4000;

/** Poll who has which file open while the page is visible; no frame reports it. */
function usePresence(/** @type {Project} */ project) {
  const [open, setOpen] = useState(/** @type {OpenFile[]} */ ([]));
  const asks = belongs(project);
  useEffect(() => {
    if (!asks) return;
    const read = () =>
      document.hidden || get(`/projects/${project.id}/presence`).then((page) => setOpen(page.data), () => {});
    read();
    const timer = setInterval(read, PRESENCE_MS);
    return () => clearInterval(timer);
  }, [project.id, asks]);
  return open;
}

/** Upload a file to a path; if a file exists there, ask the user whether to replace it. */
async function send(/** @type {Project} */ project, /** @type {string} */ path, /** @type {Blob} */ file) {
  const form = new FormData();
  form.set("path", path);
  form.set("file", file);
  try {
    await api("POST", `/projects/${project.id}/files`, form, { once: true });
  } catch (error) {
    const { status } = /** @type {any} */ (error);
    if (status !== 409) throw error;
    const folder = folderOf(path);
    const page = await get(
      `/projects/${project.id}/files?deep=false&limit=100${
        folder ? `&prefix=${encodeURIComponent(folder)}` : ""
      }`,
    );
    const there = page.data.find((/** @type {ProjectFile} */ one) =>
      one.path.toLowerCase() === path.toLowerCase()
    );
    if (!there) throw error;
    toast(t("projects.isThere", { path }), "error", {
      label: t("projects.replace"),
      run: () =>
        api("PUT", `/files/${there.id}/content`, new Blob([file], { type: "application/octet-stream" })).then(
          () => toast(t("app.saved")),
          toastError,
        ),
    });
  }
}

/** The people who have a file of the project open, above the tree. */
const Here = (/** @type {{open: OpenFile[]}} */ { open }) =>
  open.length > 0 && html`
    <section class="card here-now" aria-label=${t("projects.hereNow")}>
      <h2>${t("projects.hereNow")}</h2>
      <ul>${open.map((one) =>
        html`
          <li
            key=${one.fileId}><${Faces} people=${one.users} label=${t("projects.inIt")} /> <a href=${href(
              `/files/${one.fileId}`,
            )}>${one.path}</a></li>
        `
      )}</ul>
    </section>
  `;

/** The actions on a file or folder, in a menu at the button that opened it. */
function Menu(
  /** @type {{target: Target, button: Element, actions: [string, string, () => void][], onClose: () => void}} */ given,
) {
  const { button, actions, onClose } = given;
  const box = useRef(/** @type {any} */ (null));
  useEffect(() => {
    const { bottom, right, top } = button.getBoundingClientRect(), { style } = box.current;
    box.current.showPopover();
    const below = bottom + box.current.offsetHeight < innerHeight;
    style.top = `${below ? bottom + 4 : Math.max(8, top - box.current.offsetHeight - 4)}px`;
    style.right = `${Math.max(8, document.documentElement.clientWidth - right)}px`;
    box.current.querySelector("button")?.focus();
  }, []);
  const keys = (/** @type {KeyboardEvent} */ event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = [...box.current.querySelectorAll("button")];
    all[(all.indexOf(document.activeElement) + step + all.length) % all.length]?.focus();
  };
  return html`
    <div class="menu" popover role="menu" ref=${box} onKeyDown=${keys} onToggle=${(
      /** @type {any} */ event,
    ) => event.newState === "closed" && onClose()}>
      ${actions.map(([icon, name, run]) =>
        html`
          <button key=${name} role="menuitem"
            onClick=${() => {
              box.current?.hidePopover();
              run();
            }}><${Icon} name=${icon} /> ${name}</button>
        `
      )}
    </div>
  `;
}

export default function Files(/** @type {{project: Project, reload: () => void}} */ { project, reload }) {
  const open = usePresence(project), may = writes(project);
  const here = new Map(open.map((one) => [one.fileId, /** @type {Person[]} */ (one.users)]));
  const [round, setRound] = useState(0);
  const [menu, setMenu] = useState(/** @type {{target: Target, button: Element} | null} */ (null));
  const [form, setForm] = useState(/** @type {any} */ (null)); // {what: "new" | "move" | "trash", folder?, target?}
  const [sending, setSending] = useState("");
  const [over, setOver] = useState(false);
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const into = useRef("");
  const changed = () => {
    setForm(null);
    setRound((now) => now + 1);
    reload();
  };
  const upload = async (/** @type {FileList | null | undefined} */ files, folder = "") => {
    for (const file of [...files ?? []]) {
      setSending(file.name);
      try {
        await send(project, folder ? `${folder}/${file.name}` : file.name, file);
      } catch (error) {
        toast(`${file.name}: ${/** @type {any} */ (error).first}`, "error");
      }
    }
    setSending("");
    changed();
  };
  const choose = (folder = "") => {
    into.current = folder;
    input.current?.click();
  };
  const trash = async (/** @type {Target} */ target) => {
    try {
      if (target.kind === "file") {
        await api("DELETE", `/files/${target.file.id}`);
        toast(t("projects.fileGone", { path: target.file.path }), "info", {
          label: t("app.undo"),
          run: () => api("POST", `/files/${target.file.id}/restore`).then(changed, toastError),
        });
      } else {
        const { files } = await api(
          "DELETE",
          `/projects/${project.id}/folders?path=${encodeURIComponent(target.path)}`,
        );
        toast(t("projects.folderGone", { count: files, path: target.path }), "info", {
          label: t("projects.fileTrash"),
          run: () => setForm({ what: "trash" }),
        });
      }
    } catch (error) {
      toastError(error);
    }
    changed();
  };
  /** @returns {[string, string, () => void][]} */
  const actionsOf = (/** @type {Target} */ target) =>
    target.kind === "file"
      ? [
        ["eye", t("keys.open"), () => go(`/files/${target.file.id}`)],
        ["download", t("editor.download"), () => download(`/files/${target.file.id}/content`)],
        .../** @type {[string, string, () => void][]} */ (may
          ? [
            ["edit", t("projects.move"), () => setForm({ what: "move", target })],
            ["trash", t("app.delete"), () => trash(target)],
          ]
          : []),
      ]
      : [
        ["download", t("projects.archive"), () =>
          download(`/projects/${project.id}/archive?prefix=${encodeURIComponent(target.path)}`)],
        .../** @type {[string, string, () => void][]} */ (may
          ? [
            ["plus", t("projects.newFileHere"), () =>
              setForm({ what: "new", folder: target.path })],
            ["upload", t("projects.uploadHere"), () =>
              choose(target.path)],
            ["edit", t("projects.move"), () => setForm({ what: "move", target })],
            ["trash", t("app.delete"), () => trash(target)],
          ]
          : []),
      ];
  const drop = (/** @type {DragEvent} */ event) => {
    event.preventDefault();
    setOver(false);
    upload(event.dataTransfer?.files);
  };
  const drag = may && {
    onDragOver: (/** @type {DragEvent} */ event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      setOver(true);
    },
    onDragLeave: () => setOver(false),
    onDrop: drop,
  };
  return html`
    <section class="stack" aria-label=${t("projects.tabs.files")}>
      <div class="wrap">
        ${may && html`
          <button class="primary" onClick=${() =>
            setForm({ what: "new", folder: "" })}><${Icon} name="plus" /> ${t("projects.newFile")}</button>
          <button onClick=${() => choose()}><${Icon} name="upload" /> ${t("projects.upload")}</button>
          <input ref=${input} type="file" multiple hidden onChange=${(event) => {
            upload(event.target.files, into.current);
            event.target.value = "";
          }} />
        `}
        <span class="grow" role="status">${sending &&
          html`<small class="muted">${t("projects.sending", { name: sending })}</small>`}</span>
        <button class="quiet" onClick=${() =>
          download(`/projects/${project.id}/archive`)}><${Icon} name="download" /> ${t(
            "projects.archive",
          )}</button>
        ${may &&
          html`<button class="quiet" onClick=${() => setForm({ what: "trash" })}><${Icon} name="trash" /> ${
            t("projects.fileTrash")
          }</button>`}
      </div>
      <${Here} open=${open} />
      <div class=${`list tree-box ${over ? "over" : ""}`} ...${drag || {}}>
        <${Level} project=${project} round=${round} here=${here} onMenu=${(
          /** @type {Target} */ target,
          /** @type {Element} */ button,
        ) => setMenu({ target, button })} empty=${html`<${Empty} icon="file-text" title=${
          t("projects.noFiles")
        }>${t(may ? "projects.noFilesHint" : "projects.noFilesYet")}<//>`} />
      </div>
      ${menu &&
        html`<${Menu} key=${menu.button} ...${menu} actions=${actionsOf(menu.target)} onClose=${() =>
          setMenu(null)} />`}
      ${form?.what === "new" &&
        html`<${NewFile} project=${project} folder=${form.folder} onClose=${() => setForm(null)} onDone=${(
          /** @type {ProjectFile} */ file,
        ) => go(`/files/${file.id}`)} />`}
      ${form?.what === "move" &&
        html`<${Move} project=${project} target=${form.target} onDone=${changed} onClose=${() =>
          setForm(null)} />`}
      ${form?.what === "trash" &&
        html`<${FileTrash} project=${project} onDone=${changed} onClose=${() => setForm(null)} />`}
    </section>
  `;
}
