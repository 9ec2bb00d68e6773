/** The tasks on show, by id: loaded by columns, updated by frames, moved at once. */
import { signal } from "../vendor/preact.js";
import { get } from "../lib/api.js";
import { inTurn, isChanging } from "../lib/turns.js";
import { standIn } from "../lib/live.js";
import { toast } from "../lib/ui.js";
import { t } from "../lib/words.js";
import { changeTask, PRIORITIES, STATUSES } from "./tasks-parts.js";

const byRank = (one, other) => one.rank - other.rank || (one.id < other.id ? -1 : 1);
const byUrgency = (one, other) =>
  PRIORITIES.indexOf(one.priority) - PRIORITIES.indexOf(other.priority) || (one.id < other.id ? 1 : -1);

/** The board of one project (ordered by rank), or of all tasks that the user sees (by priority). */
export class Board {
  /** @param {string | null} projectId */
  constructor(projectId) {
    this.projectId = projectId;
    /** @type {import("../vendor/preact.js").Signal<Map<string, any> | null>} */
    this.tasks = signal(null);
    /** @type {import("../vendor/preact.js").Signal<Record<string, {total: number, cursor: string | null}>>} */
    this.columns = signal({});
    this.problem = signal(null);
  }

  /** Load all columns from the start. */
  async load() {
    try {
      const board = this.projectId && await get(`/projects/${this.projectId}/board?limit=50`);
      if (board) standIn(`project:${this.projectId}`, board.epoch, board.seq);
      const columns = board ? board.columns : await Promise.all(STATUSES.map(async (status) => {
        const sort = status === "done" || status === "cancelled" ? "updated" : "priority";
        const page = await get(`/tasks?status=${status}&sort=${sort}&page=1&pageSize=50`);
        return { status, total: page.total, data: page.data, nextCursor: null };
      }));
      this.problem.value = null;
      this.tasks.value = new Map(columns.flatMap(({ data }) => data.map((task) => [task.id, task])));
      this.columns.value = Object.fromEntries(
        columns.map(({ status, total, nextCursor }) => [status, { total, cursor: nextCursor }]),
      );
    } catch (error) {
      this.problem.value = error;
      throw error;
    }
  }

  /** Load more of a column. */
  async more(status) {
    const { cursor } = this.columns.peek()[status];
    const query = new URLSearchParams({ limit: "50", status, cursor });
    const [column] = (await get(`/projects/${this.projectId}/board?${query}`)).columns;
    const tasks = new Map(this.tasks.peek());
    for (const task of column.data) tasks.set(task.id, task);
    this.tasks.value = tasks;
    this.count(status, column.total, column.nextCursor);
  }

  count(status, total, cursor) {
    this.columns.value = { ...this.columns.peek(), [status]: { total, cursor } };
  }

  /** The cards of a column, in order. */
  cards(status) {
    const found = [...this.tasks.value?.values() ?? []].filter((task) => task.status === status);
    return found.sort(this.projectId ? byRank : byUrgency);
  }

  /** Show a task in the column of its status, unless the known version is newer; `force`: in any case. */
  put(task, force = false) {
    const tasks = new Map(this.tasks.peek() ?? []), known = tasks.get(task.id);
    if (known && !force && task.version < known.version) return;
    if (known && !force && isChanging(task.id)) task = { ...task, status: known.status, rank: known.rank };
    if (known?.status !== task.status) {
      if (known) this.add(known.status, -1);
      this.add(task.status, 1);
    }
    tasks.set(task.id, { ...known, ...task });
    this.tasks.value = tasks;
  }

  remove(id) {
    const tasks = new Map(this.tasks.peek() ?? []), known = tasks.get(id);
    if (!known) return;
    tasks.delete(id);
    this.add(known.status, -1);
    this.tasks.value = tasks;
  }

  add(status, by) {
    const column = this.columns.peek()[status];
    if (column) this.count(status, Math.max(0, column.total + by), column.cursor);
  }

  /** Apply a frame. */
  apply(event, data) {
    if (event === "task:deleted") this.remove(data.id);
    else if (event === "task:imported") this.load().catch(() => {});
    else if (["task:created", "task:updated", "task:assigned"].includes(event)) {
      if (!this.projectId || data.projectId === this.projectId) this.put(data);
      else this.remove(data.id);
    } else if (event === "task:reordered" && this.tasks.peek()) {
      const tasks = new Map(this.tasks.peek());
      for (const [id, rank] of Object.entries(data.ranks)) {
        if (tasks.has(id)) tasks.set(id, { ...tasks.get(id), rank });
      }
      this.tasks.value = tasks;
    } else if (event === "label:updated" || event === "label:deleted") this.relabel(event, data);
  }

  relabel(event, data) {
    const changed = (labels) =>
      event === "label:deleted"
        ? labels.filter(({ id }) => id !== data.id)
        : labels.map((label) =>
          label.id === data.id ? { ...label, name: data.name, color: data.color } : label
        );
    this.tasks.value = new Map(
      [...this.tasks.peek() ?? []].map(([id, task]) => [id, { ...task, labels: changed(task.labels) }]),
    );
  }

  /** Move a card: shown at once, then sent with its version; a toast offers to undo it. */
  async move(task, status, place, undoable = true) {
    const same = task.status === status, from = this.cards(task.status);
    const next = from[from.findIndex(({ id }) => id === task.id) + 1];
    const previous = from[from.findIndex(({ id }) => id === task.id) - 1];
    this.put({ ...task, status, rank: this.rankAt(status, place, task) }, true);
    const now = await inTurn(task.id, (isLast) => {
      const { version } = this.tasks.peek()?.get(task.id) ?? task;
      return changeTask(task, {
        ...(same ? {} : { status, version }),
        ...(place && this.projectId ? { place } : {}),
      }, (settled, refused) => this.settle(settled, refused || isLast()));
    });
    if (!now || same || !undoable) return;
    const back = next ? { before: next.id } : previous ? { after: previous.id } : null;
    toast(t("tasks.moved", { status: t(`tasks.statuses.${status}`) }), "info", {
      label: t("app.undo"),
      run: () => this.move(this.tasks.peek()?.get(task.id) ?? now, task.status, back, false),
    });
  }

  /** Show the result of a change; while another change is under way, take over only the version. */
  settle(task, whole) {
    const known = this.tasks.peek()?.get(task.id);
    this.put(whole || !known ? task : { ...known, version: task.version }, true);
  }

  /** A provisional rank between the neighbours, until the service sends the real one. */
  rankAt(status, place, task) {
    const cards = this.cards(status).filter(({ id }) => id !== task.id);
    if (!place) return task.rank;
    const at = cards.findIndex(({ id }) => id === (place.before ?? place.after)) + (place.after ? 1 : 0);
    const [before, after] = [cards[at - 1]?.rank, cards[at]?.rank];
    if (before === undefined) return (after ?? 1) - 1;
    return after === undefined ? before + 1 : (before + after) / 2;
  }
}
