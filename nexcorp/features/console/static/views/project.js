/** One project: its files, members, activity, repository and settings, kept current by its room. */
import { html, useEffect, useState } from "../vendor/preact.js";
import { get, may } from "../lib/api.js";
import { follow } from "../lib/live.js";
import { href } from "../lib/router.js";
import { Heading, Icon, Problem, Skeleton } from "../lib/ui.js";
import { t } from "../lib/words.js";
import { belongs } from "./project-parts.js";
import Activity from "./project-activity.js";
import Files from "./project-files.js";
import Members from "./project-members.js";
import Repository from "./project-repository.js";
import Settings from "./project-settings.js";
import { Visibility } from "./projects.js";
/** @import { Project as ProjectShape } from "../lib/types.d.ts" */

const TABS = /** @type {Record<string, any>} */ ({
  files: Files,
  members: Members,
  activity: Activity,
  repository: Repository,
  settings: Settings,
});

/** The tabs that the user may see, in order, each with its path. */
function tabsOf(/** @type {ProjectShape} */ project) {
  const member = belongs(project), to = `/projects/${project.id}`;
  return [
    ["files", to],
    ...(member && may("task:read") ? [["board", `/tasks?project=${project.id}`]] : []),
    ["members", `${to}/members`],
    ...(member ? [["activity", `${to}/activity`], ["repository", `${to}/repository`]] : []),
    ...(project.role === "owner" && may("project:create") ? [["settings", `${to}/settings`]] : []),
  ];
}

export default function Project(/** @type {{id: string, tab?: string}} */ { id, tab = "files" }) {
  const [project, setProject] = useState(/** @type {ProjectShape | null} */ (null));
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  const load = () =>
    get(`/projects/${id}`).then((now) => {
      setProject(now);
      setProblem(null);
    }, setProblem);
  useEffect(() => {
    setProject(null);
    setProblem(null);
    return follow(`project:${id}`, load, (event, data) => {
      if (event === "project:deleted") setProblem({ status: 404, message: t("projects.deleted") });
      // The frame lacks the reader's own rights, and a member may have been added or removed.
      else if (event === "project:updated" || event === "project:restored") load();
      else if (event === "file:saved" && data.fileId) loadSoon();
    });
  }, [id]);
  /** The storage used changes with each saved version: reload at most every two seconds. */
  const [soon] = useState(() => ({ timer: /** @type {number | undefined} */ (undefined) }));
  const loadSoon = () => {
    soon.timer ??= setTimeout(() => {
      soon.timer = undefined;
      load();
    }, 2000);
  };
  useEffect(() => () => clearTimeout(soon.timer), []);
  // On a phone the tab bar scrolls sideways: keep the current tab in view.
  useEffect(() => {
    document.querySelector(".tab-list [aria-current]")?.scrollIntoView({
      inline: "center",
      block: "nearest",
    });
  }, [tab, project === null]);
  if (problem && (!project || problem.status === 404 || problem.status === 403)) {
    return html`
      <div class="page">
        <${Heading} title=${t("projects.project")} hidden />
        <${Problem} error=${problem} retry=${load} />
      </div>
    `;
  }
  if (!project) {
    return html`
      <div class="page">
        <${Heading} title=${t("projects.project")} hidden />
        <${Skeleton} />
      </div>
    `;
  }
  const tabs = tabsOf(project), Tab = tabs.some(([name]) => name === tab) ? TABS[tab] : null;
  return html`
    <div class="page project">
      <nav class="project-crumbs" aria-label=${t("projects.path")}><a class="plain" href=${href(
        "/projects",
      )}>${t(
        "pages.projects",
      )}</a></nav>
      <${Heading} title=${project.name}>
        <${Visibility} of=${project} />
        <span class="tag">${t(`projects.roles.${project.role}`)}</span>
      <//>
      ${project.description && html`<p class="lead">${project.description}</p>`}
      <nav class="tab-list" aria-label=${t("projects.parts")}>
        ${tabs.map(([name, to]) =>
          html`<a key=${name} href=${href(to)} aria-current=${name === tab ? "page" : undefined}>${
            t(`projects.tabs.${name}`)
          }${
            name === "board" && html`
              <${Icon} name="external-link" />
            `
          }</a>`
        )}
      </nav>
      ${Tab
        ? html`<${Tab} key=${`${id}-${tab}`} project=${project} onChange=${setProject} reload=${load} />`
        : html`<${Problem} error=${{ status: 404, message: t("app.goneHint") }} />`}
    </div>
  `;
}
