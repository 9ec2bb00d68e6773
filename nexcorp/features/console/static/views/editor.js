/** One file: a text is edited, a binary shown or offered as a download; its versions are beside it. */
import { html, signal, useEffect, useState } from "../vendor/preact.js";
import { get } from "../lib/api.js";
import { follow } from "../lib/live.js";
import { go, href } from "../lib/router.js";
import { Heading, Icon, Problem, Skeleton } from "../lib/ui.js";
import { t } from "../lib/words.js";
import BinaryFile from "./editor-binary.js";
import Versions from "./editor-versions.js";
import { download, lastOf, writes } from "./project-parts.js";
/** @import { File, Project } from "../lib/types.d.ts" */

/** The editor is the console's largest part, loaded with the first text. @type {import("../vendor/preact.js").Signal<any>} */
const TextEditor = signal(null);

/** The path of the file: its project and folders. */
const Crumbs = (/** @type {{project: Project, file: File}} */ { project, file }) =>
  html`
    <nav class="project-crumbs" aria-label=${t("projects.path")}>
      <a class="plain" href=${href("/projects")}>${t("pages.projects")}</a>
      <a class="plain" href=${href(`/projects/${project.id}`)}>${project.name}</a>
      ${file.path.split("/").slice(0, -1).map((folder, at) => html`<span key=${at}>${folder}</span>`)}
    </nav>
  `;

export default function Editor(/** @type {{id: string}} */ { id }) {
  const [file, setFile] = useState(/** @type {File | null} */ (null));
  const [project, setProject] = useState(/** @type {Project | null} */ (null));
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  const [versions, setVersions] = useState(false);
  const load = () =>
    get(`/files/${id}`).then((now) => {
      setFile(now);
      setProblem(null);
      if (now.kind === "text" && !TextEditor.peek()) {
        return import("./editor-text.js").then((module) => {
          TextEditor.value = module.default;
        });
      }
    }).catch(setProblem);
  useEffect(() => {
    setFile(null);
    setProject(null);
    load();
  }, [id]);
  const projectId = file?.projectId;
  const role = () => projectId && get(`/projects/${projectId}`).then(setProject).catch(setProblem);
  useEffect(() => {
    if (!projectId) return;
    return follow(`project:${projectId}`, () => role() || Promise.resolve(), (event, data) => {
      if (event === "project:updated") role();
      else if (event === "project:deleted") setProblem({ status: 404, message: t("projects.deleted") });
      else if (event === "file:updated" && data.id === id) setFile(data);
      else if (event === "file:deleted" && data.id === id) load();
      else if (event === "file:saved" && data.fileId === id) load();
      else if (event === "folder:changed") load();
    });
  }, [projectId]);
  // Keep showing a text whose file was deleted: it may have unsaved edits.
  if (problem && !(file && file.kind === "text" && problem.status !== 403)) {
    return html`
      <div class="page">
        <${Heading} title=${t("editor.file")} hidden />
        <${Problem} error=${problem} retry=${load} />
      </div>
    `;
  }
  if (!file || !project) {
    return html`
      <div class="page">
        <${Heading} title=${t("editor.file")} hidden />
        <${Skeleton} />
      </div>
    `;
  }
  const writable = writes(project), Text = TextEditor.value;
  return html`
    <div class="page editor-page">
      <${Crumbs} project=${project} file=${file} />
      <${Heading} title=${lastOf(file.path)}>
        ${!writable && html`<span class="tag plain"><${Icon} name="eye" /> ${t("editor.readOnly")}</span>`}
        <button aria-pressed=${versions} onClick=${() =>
          setVersions(!versions)}><${Icon} name="history" /> ${t("editor.versions")}</button>
        <button onClick=${() => download(`/files/${file.id}/content`)}><${Icon} name="download" /> ${t(
          "editor.download",
        )}</button>
        <button class="wide-only" onClick=${() =>
          go(`/projects/${project.id}`)}><${Icon} name="folder" /> ${t("editor.allFiles")}</button>
      <//>
      <div class=${`editor-columns ${versions ? "with-versions" : ""}`}>
        <div class="stack">
          ${file.kind === "text"
            ? Text
              ? html`<${Text} key=${file.id} file=${file} writable=${writable} onRefused=${role} />`
              : html`<${Skeleton} count=${1} />`
            : html`<${BinaryFile} file=${file} writable=${writable} onChange=${setFile} />`}
        </div>
        ${versions &&
          html`<${Versions} file=${file} writable=${writable} onClose=${() => setVersions(false)} />`}
      </div>
    </div>
  `;
}
