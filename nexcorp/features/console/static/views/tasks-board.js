/** The board of tasks: of one project, or all that the user sees. */
import { html, useEffect, useMemo, useState } from "../vendor/preact.js";
import { may, me } from "../lib/api.js";
import { enter, follow } from "../lib/live.js";
import { query, setQuery } from "../lib/router.js";
import { Icon, Problem, Skeleton, toastError } from "../lib/ui.js";
import { t } from "../lib/words.js";
import { Kanban } from "./kanban.js";
import {
  mayChange,
  MOST_PROJECTS,
  ownProjects,
  projectOf,
  projects,
  STATUSES,
  TaskCard,
} from "./tasks-parts.js";
import { Board } from "./tasks-store.js";

const SOON_MS = 300, AGAIN_MS = 60_000;

/** Choose a project, or all projects. */
export const ProjectChoice = ({ value, onChange, none = t("tasks.allProjects") }) =>
  html`
    <label><span class="visually-hidden">${t("tasks.project")}</span>
      <select value=${value ?? ""} onChange=${(event) => onChange(event.target.value)}>
        <option value="">${none}</option>
        ${ownProjects().map((one) => html`<option key=${one.id} value=${one.id}>${one.name}</option>`)}
      </select></label>
  `;

export function TaskBoard({ onNew, register }) {
  const projectId = query.value.get("project");
  const board = useMemo(() => new Board(projectId), [projectId]);
  const [words, setWords] = useState("");
  const [mine, setMine] = useState(false);
  useEffect(() => {
    register((task) => (!projectId || task.projectId === projectId) && board.put(task));
    const apply = (event, data) => board.apply(event, data);
    if (projectId) return follow(`project:${projectId}`, () => board.load(), apply);
    const read = () => board.load().catch(() => {});
    /** @type {number | undefined} */
    let again;
    // Frames are lost in many rooms at a time: load once.
    const lost = () => {
      clearTimeout(again);
      again = setTimeout(read, SOON_MS);
    };
    // Frames about other people's tasks come through the rooms of their projects. The user's room is joined last, and
    // follow() then loads: no frame gets lost between.
    const ends = ownProjects().map(({ id }) => enter(`project:${id}`, apply, lost));
    ends.push(follow(`user:${me.peek().id}`, () => board.load(), apply));
    // No frames come from the projects that are not loaded.
    const more = projects.peek().length >= MOST_PROJECTS &&
      setInterval(() => document.hidden || read(), AGAIN_MS);
    return () => {
      ends.forEach((end) => end());
      clearTimeout(again);
      clearInterval(more || undefined);
    };
  }, [projectId, ownProjects().length]);
  const wanted = words.trim().toLowerCase();
  const fits = (task) =>
    (!wanted || `#${task.number} ${task.title}`.toLowerCase().includes(wanted)) &&
    (!mine || task.assignee?.id === me.value.id);
  const project = projectOf(projectId);
  const mayAdd = may("task:create") && (!project || may("task:manage") || project.role !== "viewer");
  const columns = STATUSES.map((status) => {
    const { total = 0, cursor = null } = board.columns.value[status] ?? {};
    return {
      key: status,
      name: t(`tasks.statuses.${status}`),
      total,
      cards: board.cards(status).filter(fits),
      more: cursor && !wanted ? () => board.more(status).catch(toastError) : undefined,
      add: mayAdd && html`
        <button class="icon-button" aria-label=${t("tasks.addTo", { status: t(`tasks.statuses.${status}`) })}
          onClick=${() => onNew({ status, projectId })}><${Icon} name="plus" /></button>
      `,
    };
  });
  return html`
    <div class="wrap task-filters">
      <${ProjectChoice} value=${projectId} onChange=${(project) => setQuery({ project })} />
      <input type="search" maxlength="100" value=${words} aria-label=${t("tasks.find")}
        placeholder=${t("tasks.find")} onInput=${(event) => setWords(event.target.value)} />
      <label class="check"><input type="checkbox" checked=${mine}
          onChange=${() => setMine(!mine)} />${t("tasks.onlyMine")}</label>
      <span class="grow"></span>
      <small class="muted wide-only"><kbd>Alt</kbd> <kbd>←↑↓→</kbd> ${t("tasks.moveHint")}</small>
    </div>
    ${board.tasks.value === null
      ? board.problem.value
        ? html`<${Problem} error=${board.problem.value} retry=${() => board.load().catch(() => {})} />`
        : html`<${Skeleton} />`
      : html`
        <${Kanban} columns=${columns} label=${t("tasks.tabs.board")} ordered=${!!projectId}
          canMove=${mayChange} empty=${t("tasks.emptyColumn")}
          onMove=${(task, status, place) => board.move(task, status, place)}
          show=${(task) =>
            html`<${TaskCard} task=${task} project=${projectId ? null : projectOf(task.projectId)} />`} />
      `}
  `;
}
