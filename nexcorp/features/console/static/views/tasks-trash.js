/** Deleted tasks: restore or purge them. */
import { html, useEffect, useState } from "../vendor/preact.js";
import { api, may } from "../lib/api.js";
import { on } from "../lib/live.js";
import { go } from "../lib/router.js";
import { usePaged } from "../lib/store.js";
import { Ago, Dialog, Empty, Icon, nameOf, PagedList, toast, toastError } from "../lib/ui.js";
import { t } from "../lib/words.js";
import { Facts, Priority, projectOf } from "./tasks-parts.js";

export function Trash({ register }) {
  const list = usePaged("/tasks/trash?limit=50");
  const [asking, setAsking] = useState(/** @type {any} */ (null));
  useEffect(() => {
    register(() => {});
    return on("task:deleted", ({ reason }) => reason === "deleted" && list.load());
  }, []);
  const restore = async (task) => {
    list.remove(task.id);
    try {
      await api("POST", `/tasks/${task.id}/restore`);
      toast(t("tasks.restored"), "info", { label: t("tasks.open"), run: () => go(`/tasks/${task.id}`) });
    } catch (error) {
      list.load();
      toastError(error);
    }
  };
  /** Purge one task, or all of the user's own. */
  const purge = async (task) => {
    setAsking(null);
    try {
      if (task.id) await api("DELETE", `/tasks/${task.id}/purge`);
      else {
        const { purged } = await api("DELETE", "/tasks/trash");
        toast(t("tasks.purged", { count: purged }));
      }
      list.load();
    } catch (error) {
      toastError(error);
    }
  };
  const empty = html`
    <${Empty} icon="trash" title=${t("tasks.emptyTrash")}>${t("tasks.emptyTrashHint")}<//>
  `;
  return html`
    <div class="row"><p class="muted">${t("tasks.trashHint")}</p>
      ${may("task:create") && list.items.value?.length > 0 && html`
        <button class="danger" onClick=${() => setAsking({})}><${Icon} name="trash" /> ${t(
          "tasks.emptyOwn",
        )}</button>
      `}</div>
    <${PagedList} list=${list} empty=${empty} rows="list">${(task) =>
      html`<li key=${task.id} class="task-row"><${Priority} priority=${task.priority} />
        <span class="what"><b>${task.title}</b><small class="card-facts">
          ${projectOf(task.projectId) && html`<span>${projectOf(task.projectId).name}</span>`}
          <${Facts} task=${{ ...task, dueAt: null }} />
          <span>${
        t("tasks.deletedBy", { name: nameOf(task.deletedBy) })
      } <${Ago} at=${task.deletedAt} /></span>
        </small></span>
        <button onClick=${() => restore(task)}><${Icon} name="undo" /> ${t("tasks.restore")}</button>
        ${
        may("task:purge") &&
        html`<button class="icon-button" aria-label=${t("tasks.purge", { title: task.title })} onClick=${() =>
          setAsking(task)}><${Icon} name="trash" /></button>`
      }</li>`}<//>
    ${asking && html`
      <${Dialog} title=${t("tasks.purgeTitle")} onClose=${() => setAsking(null)}>
        <p>${asking.id ? t("tasks.purgeOne", { title: asking.title }) : t("tasks.purgeAll")}</p>
        <div class="row"><span class="grow"></span>
              <button class="quiet" onClick=${() => setAsking(null)}>${t("app.cancel")}</button>
              <button class="danger" onClick=${() => purge(asking)}>${t("tasks.purgeNow")}</button></div>
        <//>
    `}
  `;
}
