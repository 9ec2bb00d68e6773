/** Parts that the pages of tasks share: how a task's state looks, who may change it, and sending changes. */
/** @import { Task } from "../lib/types.d.ts" */
import { html, signal, useEffect } from "../vendor/preact.js";
import { api, get, may, me } from "../lib/api.js";
import { href } from "../lib/router.js";
import { Avatar, exactly, Icon, nameOf, number, toast, toastError } from "../lib/ui.js";
import { locale, t } from "../lib/words.js";

export const STATUSES = ["todo", "in_progress", "review", "done", "cancelled"];
export const PRIORITIES = ["urgent", "high", "medium", "low"];
export const isOpen = (task) => task.status !== "done" && task.status !== "cancelled";
export const isOverdue = (task) => isOpen(task) && task.dueAt !== null && Date.parse(task.dueAt) < Date.now();

/** The projects that the user sees, by name, with the user's role in each. */
export const projects = signal(/** @type {import("../lib/types.d.ts").Project[]} */ ([]));
/** Most projects that are loaded: if there are as many, there may be more. */
export const MOST_PROJECTS = 100;
/** Load the projects once the user is known to be allowed to read them. */
export function useProjects() {
  const allowed = may("project:read");
  useEffect(() => {
    if (!allowed) return;
    get(`/projects?limit=${MOST_PROJECTS}`).then(({ data }) => {
      projects.value = data.sort((one, other) => one.name.localeCompare(other.name));
    }, () => {});
  }, [allowed]);
}
/** The projects whose tasks the user may see: as a member, or with task:manage. */
export const ownProjects = () => projects.value.filter((one) => one.role !== "reader" || may("task:manage"));
export const projectOf = (id) => projects.value.find((one) => one.id === id);

/** Whether the user may change this task. */
export function mayChange(task) {
  if (!may("task:create")) return false;
  const mine = [task.creator?.id, task.assignee?.id].includes(me.value.id);
  return mine || may("task:manage") || ["owner", "editor"].includes(projectOf(task.projectId)?.role);
}
export const mayDelete = (task) =>
  may("task:manage") || (may("task:create") && task.creator?.id === me.value.id);

/**
 * Send changes to a task. If its version was outdated, hand on the current task and show a toast.
 * @param {any} task
 * @param {any} changes
 * @param {(now: any, refused?: boolean) => void} settle called with the task's state afterwards
 * @returns {Promise<any>} the task; undefined on failure
 */
export async function changeTask(task, changes, settle) {
  try {
    const now = await api("PATCH", `/tasks/${task.id}`, changes);
    settle(now);
    return now;
  } catch (error) {
    if (error.code === "stale_version") {
      settle(error.current ?? await get(`/tasks/${task.id}`), true);
      toast(t("tasks.stale"), "error");
    } else {
      settle(task, true);
      toastError(error);
    }
  }
}

const ICONS = { urgent: "alert-triangle", high: "chevron-up", medium: "circle", low: "chevron-down" };
/** The priority as an icon. */
export const Priority = ({ priority, text = false }) =>
  html`
    <span class=${`priority ${priority}`} title=${t(`tasks.priorities.${priority}`)}>
      <${Icon} name=${ICONS[priority]} label=${text ? undefined : t(`tasks.priorities.${priority}`)} />
      ${text && t(`tasks.priorities.${priority}`)}
    </span>
  `;

/** The status as a dot and its name. */
export const Status = ({ status }) =>
  html`<span class=${`status ${status}`}><i></i>${t(`tasks.statuses.${status}`)}</span>`;

/** The due date in the reader's locale; overdue dates are highlighted. */
export function Due({ task }) {
  if (!task.dueAt) return null;
  const at = new Date(task.dueAt), late = isOverdue(task);
  const start = new Date();
  start.setHours(0, 0, 0, 0);
  const days = Math.floor((at.getTime() - start.getTime()) / 86_400_000);
  const relative = new Intl.RelativeTimeFormat(locale.value, { numeric: "auto" });
  const day = Math.abs(days) <= 1 ? relative.format(days, "day") : new Intl.DateTimeFormat(locale.value, {
    ...(days > 0 && days < 7 ? { weekday: "long" } : { day: "numeric", month: "short" }),
    ...(at.getFullYear() === start.getFullYear() ? {} : { year: "numeric" }),
  }).format(at);
  const time = task.dueAllDay
    ? ""
    : ` ${new Intl.DateTimeFormat(locale.value, { timeStyle: "short" }).format(at)}`;
  const soon = isOpen(task) && days <= 1;
  return html`
    <time class=${`due ${late ? "late" : soon ? "soon" : ""}`} dateTime=${task.dueAt} title=${exactly(
      task.dueAt,
    )}>
      <${Icon} name="calendar" />${late && html`<span class="visually-hidden">${t("tasks.overdue")} </span>`}
      ${day}${time}
    </time>
  `;
}

/** A label; its colour is only a dot, so that the name is readable on any background. */
export const Label = ({ label }) =>
  html`<span class="label"><i style=${{ background: label.color }}></i>${label.name}</span>`;

const Step = ({ icon, steps, name }) =>
  steps?.total > 0 && html`
    <span class="steps" title=${name}>
      <${Icon} name=${icon} label=${name} />${number(steps.done)}/${number(steps.total)}
    </span>
  `;

/** A task's facts in small: number, due date, blocked, checklist, subtasks, comments. */
export const Facts = ({ task }) =>
  html`
    ${task.number !== null && html`<span>#${task.number}</span>`}
    ${task.kind === "issue" && html`<span class="issue">${t("tasks.kinds.issue")}</span>`}
    <${Due} task=${task} />
    ${task.blocked && html`<span class="blocked"><${Icon} name="lock" /> ${t("tasks.blocked")}</span>`}
    ${task.repeat && html`<${Icon} name="refresh-cw" label=${t("tasks.repeats")} />`}
    <${Step} icon="check-square" steps=${task.checklist} name=${t("tasks.checklist")} />
    <${Step} icon="git-branch" steps=${task.subtasks} name=${t("tasks.subtasks")} />
    ${task.commentCount > 0 && html`
      <span class="steps"><${Icon} name="message-circle" label=${t("tasks.comments")} />${number(
        task.commentCount,
      )}</span>
    `}
  `;

/** A task as a card of the board. */
export const TaskCard = ({ task, project }) =>
  html`
    <article class="task-card" aria-label=${task.title}>
      ${(task.labels.length > 0 || project) && html`
        <p class="labels">${project && html`<span class="label muted">${project.name}</span>`}
          ${task.labels.map((label) => html`<${Label} key=${label.id} label=${label} />`)}</p>
      `}
      <a class="card-link" href=${href(`/tasks/${task.id}`)} draggable=${false}>${task.title}</a>
      <footer><div class="card-facts"><${Priority} priority=${task.priority} /><${Facts} task=${task} /></div>
        ${task.assignee && html`
          <span title=${nameOf(task.assignee)}><${Avatar} person=${task.assignee} small /><span
              class="visually-hidden">${nameOf(task.assignee)}</span></span>
        `}</footer>
    </article>
  `;

/** A task as a row of a list; `onDone` adds a checkbox that completes it. */
export const TaskRow = ({ task, onDone }) => {
  const project = projectOf(task.projectId);
  return html`
    <li class=${`task-row ${task.status}`} data-id=${task.id}>
      ${onDone && html`
        <input type="checkbox" checked=${task.status === "done"} disabled=${!mayChange(task)}
          aria-label=${t("tasks.complete", { title: task.title })} onChange=${() => onDone(task)} />
      `}
      <${Priority} priority=${task.priority} />
      <span class="what">
        <a class="plain" href=${href(`/tasks/${task.id}`)}>${task.title}</a>
        <small class="card-facts">${project && html`<span>${project.name}</span>`}<${Facts} task=${task} />
          ${task.labels.map((label) => html`<${Label} key=${label.id} label=${label} />`)}</small>
      </span>
      <${Status} status=${task.status} />
      ${task.assignee
        ? html`<span title=${nameOf(task.assignee)}><${Avatar} person=${task.assignee} small /><span
            class="visually-hidden">${nameOf(task.assignee)}</span></span>`
        : html`<span class="avatar small nobody" title=${t("tasks.nobody")}><${Icon} name="user" label=${
          t("tasks.nobody")
        } /></span>`}
    </li>
  `;
};
