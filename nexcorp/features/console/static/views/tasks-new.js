/** A dialog for a new task; only the title is required. */
import { html, useState } from "../vendor/preact.js";
import { api, may, me } from "../lib/api.js";
import { go } from "../lib/router.js";
import { useDraft } from "../lib/store.js";
import { Avatar, Dialog, Field, Icon, nameOf, toast, useForm } from "../lib/ui.js";
import { t } from "../lib/words.js";
import { PersonPicker } from "./picker.js";
import { ownProjects, PRIORITIES } from "./tasks-parts.js";

/** `given`: preset fields, such as the column in which it is created. */
export function NewTask({ given, onClose, onMade }) {
  const [title, setTitle, clear] = useDraft("task-title");
  const [projectId, setProject] = useState(given.projectId ?? "");
  const [assignee, setAssignee] = useState(/** @type {any} */ (given.projectId ? null : me.peek()));
  const [picking, setPicking] = useState(false);
  const { busy, problem, errors, submit } = useForm(async (values) => {
    const body = {
      title: title.trim(),
      kind: values.kind,
      priority: values.priority,
      ...(values.description.trim() ? { description: values.description.trim() } : {}),
      ...(values.dueDate ? { dueDate: values.dueDate } : {}),
      ...(projectId ? { projectId } : {}),
      ...(assignee ? { assigneeId: assignee.id } : {}),
      ...(given.status ? { status: given.status } : {}),
      ...(given.leadId ? { leadId: given.leadId } : {}),
    };
    const task = await api("POST", "/tasks", body);
    clear();
    onMade?.(task);
    onClose();
    toast(t("tasks.made"), "info", { label: t("tasks.open"), run: () => go(`/tasks/${task.id}`) });
  });
  const writable = ownProjects().filter((one) => one.role !== "viewer" || may("task:manage"));
  return html`
    <${Dialog} title=${t("tasks.new")} onClose=${onClose}>
      <form class="form" onSubmit=${submit}>
        <${Field} label=${t("tasks.title")} error=${errors.title} autofocus required maxlength="200"
          value=${title} placeholder=${t("tasks.titleHint")}
          onInput=${(event) => setTitle(event.target.value)} />
        <${Field} label=${t("tasks.description")} error=${errors.description}>
          <textarea name="description" rows="3" maxlength="20000"></textarea>
          <//>
          <div class="fields">
            <${Field} label=${t("tasks.project")} error=${errors.projectId}>
            <select value=${projectId} onChange=${(event) => setProject(event.target.value)}>
              <option value="">${t("tasks.noProject")}</option>
              ${writable.map((one) => html`<option key=${one.id} value=${one.id}>${one.name}</option>`)}
            </select><//>
          <${Field} label=${t("tasks.priority")}>
            <select name="priority">${PRIORITIES.map((one) =>
              html`<option key=${one} value=${one} selected=${one === "medium"}>${
                t(`tasks.priorities.${one}`)
              }</option>`
            )}</select><//>
          <${Field} label=${t("tasks.kind")}>
            <select name="kind">${["task", "issue"].map((one) =>
              html`<option key=${one} value=${one}>${t(`tasks.kinds.${one}`)}</option>`
            )}</select><//>
          <${Field} label=${t("tasks.due")} error=${errors.dueDate} type="date" name="dueDate" />
        </div>
        <div class="field"><span>${t("tasks.assignee")}</span>
          <button type="button" class="chooser" onClick=${() => setPicking(true)}>
            ${assignee ? html`<${Avatar} person=${assignee} small />` : html`<${Icon} name="user-plus" />`}
            ${assignee ? nameOf(assignee) : t("tasks.nobody")}</button>
          ${errors.assigneeId && html`<small class="problem">${errors.assigneeId}</small>`}</div>
        ${problem && !Object.keys(errors).length &&
          html`<p class="problem" role="alert">${problem.first}</p>`}
        <div class="row"><span class="grow"></span>
          <button type="button" class="quiet" onClick=${onClose}>${t("app.cancel")}</button>
          <button class="primary" disabled=${busy || !title.trim()}>${t("tasks.create")}</button></div>
      </form>
      ${picking && html`
        <${PersonPicker} title=${t("tasks.assignee")} none=${t("tasks.nobody")}
          projectId=${projectId || null} onPick=${setAssignee} onClose=${() => setPicking(false)} />
      `}
    <//>
  `;
}
