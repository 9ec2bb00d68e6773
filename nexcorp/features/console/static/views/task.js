/** One task: its fields, checklist, links, files, comments and history. */
/** @import { Task as TaskShape } from "../lib/types.d.ts" */
import { html, signal, useEffect, useMemo, useState } from "../vendor/preact.js";
import { api, get, may } from "../lib/api.js";
import { follow } from "../lib/live.js";
import { go, href } from "../lib/router.js";
import { Ago, Empty, Heading, Icon, PersonLink, Problem, Skeleton, toast, toastError } from "../lib/ui.js";
import { t } from "../lib/words.js";
import { Comments } from "./post-card.js";
import { InPlace } from "./in-place.js";
import { TaskFields } from "./task-fields.js";
import { TaskHistory } from "./task-history.js";
import { Checklist, Links, Subtasks } from "./task-steps.js";
import { Attachments, Watchers } from "./task-files.js";
import { changeTask, mayChange, mayDelete, projectOf, useProjects } from "./tasks-parts.js";

/** The task on show, and a number that changes when its parts must be loaded again. */
class Shown {
  constructor(id) {
    this.id = id;
    /** @type {import("../vendor/preact.js").Signal<TaskShape | null>} */
    this.task = signal(null);
    this.problem = signal(null);
    this.gone = signal("");
    this.round = signal(0);
  }

  load = async () => {
    try {
      this.task.value = await get(`/tasks/${this.id}`);
      this.problem.value = null;
      this.gone.value = "";
      this.round.value++;
    } catch (error) {
      this.problem.value = error;
    }
  };

  /** Show the task of an answer or frame, unless a newer version is shown. */
  put = (now) => {
    const old = this.task.peek();
    if (!old || now.version >= old.version) {
      this.task.value = { ...old, ...now };
      this.round.value++;
    }
  };

  apply = (event, data) => {
    if (event === "task:deleted" && data.id === this.id) this.gone.value = data.reason;
    else if (event === "task:created" && data.id === this.id) this.load();
    else if (data.id === this.id && event.startsWith("task:")) this.put(data);
    else if (event.startsWith("comment:")) this.round.value++;
  };

  /** Send changes based on the version on show. */
  change = (changes) =>
    changeTask(this.task.peek(), { ...changes, version: this.task.peek().version }, (now) => this.put(now));
}

async function remove(shown) {
  const { id } = shown;
  try {
    await api("DELETE", `/tasks/${id}`, undefined, {
      headers: { "If-Match": `"${shown.task.peek().version}"` },
    });
    shown.gone.value = "deleted";
    toast(t("tasks.deleted"), "info", { label: t("app.undo"), run: () => restore(shown) });
  } catch (error) {
    if (error.status === 412) {
      shown.load();
      toast(t("tasks.stale"), "error");
    } else toastError(error);
  }
}
const restore = (shown) => api("POST", `/tasks/${shown.id}/restore`).then(shown.load, toastError);

const Part = ({ id, title, children, count }) =>
  html`
    <section class="stack"
      aria-labelledby=${id}><h2 id=${id}>${title}${" "}${count > 0 && html`
        <span class="count muted">${count}</span>
      `}</h2>${children}</section>
  `;

export default function Task({ id }) {
  const shown = useMemo(() => new Shown(id), [id]);
  const [tab, setTab] = useState("comments");
  useProjects();
  useEffect(() => follow(`task:${id}`, shown.load, shown.apply), [id]);
  const task = shown.task.value;
  if (shown.gone.value) {
    const deleted = shown.gone.value === "deleted";
    return html`
      <div class="page work">
        <${Heading} title=${t("tasks.task")} hidden />
        <${Empty} icon="trash" title=${t(deleted ? "tasks.deleted" : "tasks.outOfSight")}>${t(
          deleted ? "tasks.deletedHint" : "app.goneHint",
        )}<//>
            <p class="wrap centre">${deleted && task && mayDelete(task) &&
              html`<button onClick=${() => restore(shown)}><${Icon} name="undo" /> ${
                t("tasks.restore")
              }</button>`}
              <button class="quiet" onClick=${() => go("/tasks")}>${t("tasks.back")}</button></p></div>
    `;
  }
  if (!task) {
    return html`<div class="page work"><${Heading} title=${t("tasks.task")} hidden />${
      shown.problem.value
        ? html`<${Problem} error=${shown.problem.value} retry=${shown.load} />`
        : html`<${Skeleton} />`
    }</div>`;
  }
  const writable = mayChange(task), project = projectOf(task.projectId);
  const save = (field) => (value, version) =>
    api("PATCH", `/tasks/${id}`, { [field]: value, version }).then(shown.put);
  return html`
    <div class="page work task-page" key=${id}>
      <nav class="task-crumbs" aria-label=${t("tasks.where")}>
        <a href=${href(project ? `/tasks?tab=board&project=${project.id}` : "/tasks")}>${project?.name ??
          t("pages.tasks")}</a>
        ${task.parentId && html`<a href=${href(`/tasks/${task.parentId}`)}>${t("tasks.parent")}</a>`}
        <span class="muted">${task.number !== null && `#${task.number} · `}${t(
          `tasks.kinds.${task.kind}`,
        )}${" · "}<${PersonLink} person=${task.creator} /> <${Ago} at=${task.createdAt} /></span>
        <span class="grow"></span>
        ${mayDelete(task) && html`
          <button class="icon-button" aria-label=${t("tasks.delete")}
            title=${t("tasks.delete")} onClick=${() => remove(shown)}><${Icon} name="trash" /></button>
        `}
      </nav>
      <${Heading} title=${task.title} hidden />
      <div class="task-main stack">
        <${InPlace} draft=${`task-title-${id}`} label=${t("tasks.title")} value=${task.title} most="200"
          version=${task.version} writable=${writable} save=${save(
            "title",
          )} kind="title" field="title" required />
        ${task.blocked && html`<p class="note warn"><${Icon} name="lock" /> ${t("tasks.blockedHint")}</p>`}
        <${InPlace} draft=${`task-text-${id}`} label=${t("tasks.description")} value=${task.description}
          most="20000" version=${task.version} writable=${writable} save=${save(
            "description",
          )} kind="text" field="description"
          empty=${t("tasks.noDescription")} />
        <${Part} id="task-checklist" title=${t("tasks.checklist")}>
          <${Checklist} task=${task} round=${shown.round.value} writable=${writable} onChange=${shown
            .load} /><//>
        ${!task.parentId && html`
          <${Part} id="task-subtasks" title=${t("tasks.subtasks")}>
            <${Subtasks} task=${task} round=${shown.round.value} writable=${writable} />
            <//>
        `}
        <${Part} id="task-links" title=${t("tasks.links")}>
          <${Links} task=${task} round=${shown.round.value} writable=${writable} onChange=${shown.load} /><//>
        <${Part} id="task-files" title=${t("tasks.files")} count=${task.uploads.length}>
          <${Attachments} task=${task} writable=${writable} change=${shown.change} /><//>
        <section>
          <nav class="tab-list" aria-label=${t("tasks.talk")}>${["comments", "history"].map((name) =>
            html`
              <button key=${name} aria-current=${name === tab ? "page" : undefined}
                onClick=${() => setTab(name)}>${t(
                  `tasks.${name}`,
                )}${name === "comments" && task.commentCount > 0 ? ` (${task.commentCount})` : ""}</button>
            `
          )}</nav>
          ${tab === "comments"
            ? html`<${Comments} kind="task" id=${id} />`
            : html`<${TaskHistory} id=${id} round=${shown.round.value} />`}
        </section>
      </div>
      <aside class="task-side card" aria-label=${t("tasks.fields.all")}>
        <${TaskFields} task=${task} writable=${writable} change=${shown.change} />
        ${may("task:read") && html`
          <${Watchers} task=${task} round=${shown.round.value}
            onChange=${(watching) => shown.put({ ...task, watching })} />
        `}
      </aside>
    </div>
  `;
}
