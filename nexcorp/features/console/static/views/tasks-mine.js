/** The user's open tasks, by due date. */
import { html, useEffect, useState } from "../vendor/preact.js";
import { get, may, me } from "../lib/api.js";
import { follow } from "../lib/live.js";
import { signal } from "../vendor/preact.js";
import { Empty, Icon, number, Problem, Skeleton, toast } from "../lib/ui.js";
import { t } from "../lib/words.js";
import { changeTask, isOpen, isOverdue, TaskRow } from "./tasks-parts.js";

const GROUPS = ["overdue", "today", "week", "later", "undated", "closed"];

/** The group of a task today: closed, undated, overdue, today, ... */
function groupOf(task) {
  if (!isOpen(task)) return "closed";
  if (!task.dueAt) return "undated";
  if (isOverdue(task)) return "overdue";
  const end = new Date();
  end.setHours(24, 0, 0, 0);
  const at = Date.parse(task.dueAt);
  if (at <= end.getTime()) return "today";
  return at <= end.getTime() + 6 * 86_400_000 ? "week" : "later";
}

/** Whether a task is the user's: assigned to them, or created by them and unassigned. */
const isMine = (task) =>
  task.assignee ? task.assignee.id === me.peek().id : task.creator?.id === me.peek().id;

const OPEN = "status=todo,in_progress,review&sort=due&limit=100";

export function MyTasks({ onNew, register }) {
  const [tasks] = useState(() => signal(/** @type {Map<string, any> | null} */ (null)));
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  const put = (task) => {
    const known = tasks.peek()?.get(task.id);
    if (known && task.version < known.version) return;
    const next = new Map(tasks.peek() ?? []);
    // Tasks closed while on show stay until the user leaves the page.
    if (isMine(task) && (isOpen(task) || known)) next.set(task.id, { ...known, ...task });
    else next.delete(task.id);
    tasks.value = next;
  };
  const load = async () => {
    try {
      const pages = await Promise.all([
        get(`/tasks?assignee=me&${OPEN}`),
        get(`/tasks?creator=me&assignee=none&${OPEN}`),
        get("/tasks?assignee=me&status=done&sort=updated&limit=5"),
      ]);
      tasks.value = new Map(pages.flatMap(({ data }) => data.map((task) => [task.id, task])));
      setProblem(null);
    } catch (error) {
      setProblem(error);
    }
  };
  useEffect(() => {
    register(put);
    return follow(`user:${me.peek().id}`, load, (event, data) => {
      if (event === "task:imported") load();
      else if (event === "task:deleted") {
        const next = new Map(tasks.peek() ?? []);
        if (next.delete(data.id)) tasks.value = next;
      } else if (event.startsWith("task:") && data.id) put(data);
    });
  }, []);
  const complete = async (task) => {
    const status = task.status === "done" ? "todo" : "done";
    put({ ...task, status });
    const now = await changeTask(task, { status, version: task.version }, put);
    if (!now || status !== "done") return;
    toast(t("tasks.completed"), "info", {
      label: t("app.undo"),
      run: () => changeTask(now, { status: task.status, version: now.version }, put),
    });
  };
  if (tasks.value === null) {
    return problem ? html`<${Problem} error=${problem} retry=${load} />` : html`<${Skeleton} />`;
  }
  const all = [...tasks.value.values()];
  if (!all.length) {
    return html`
      <${Empty} icon="check-square" title=${t("tasks.emptyMine")}>${t("tasks.emptyMineHint")}<//>
      ${may("task:create") && html`
        <p
          class="centre"><button class="primary" onClick=${() => onNew()}><${Icon} name="plus" /> ${t(
            "tasks.new",
          )}</button></p>
      `}
    `;
  }
  return GROUPS.map((group) => {
    const found = all.filter((task) => groupOf(task) === group).sort((one, other) =>
      group === "closed"
        ? Date.parse(other.updatedAt) - Date.parse(one.updatedAt)
        : (Date.parse(one.dueAt) || 0) - (Date.parse(other.dueAt) || 0) || (one.id < other.id ? 1 : -1)
    );
    return found.length > 0 && html`
      <section key=${group} class="stack" aria-labelledby=${`mine-${group}`}>
        <h2 id=${`mine-${group}`} class=${`group ${group}`}>${t(`tasks.groups.${group}`)}
          <span class="count muted">${number(found.length)}</span></h2>
        <ul class="list">${found.map((task) =>
          html`<${TaskRow} key=${task.id} task=${task} onDone=${complete} />`
        )}</ul>
      </section>
    `;
  });
}
