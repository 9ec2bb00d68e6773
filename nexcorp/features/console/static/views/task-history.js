/** The history of a task: who changed which field, from and to which value. */
/** @import { TaskChange } from "../lib/types.d.ts" */
import { html, signal, useEffect } from "../vendor/preact.js";
import { get } from "../lib/api.js";
import { Paged } from "../lib/store.js";
import { useState } from "../vendor/preact.js";
import { Ago, Avatar, exactly, nameOf, onDay, PagedList, PersonLink } from "../lib/ui.js";
import { has, t } from "../lib/words.js";
import { projectOf } from "./tasks-parts.js";

/** People whom changes name by id. @type {import("../vendor/preact.js").Signal<Record<string, any>>} */
const people = signal({});
const asked = new Set();

function personOf(id) {
  if (!asked.has(id)) {
    asked.add(id);
    get(`/users/${id}`).then((person) => {
      people.value = { ...people.peek(), [id]: person };
    }, () => {});
  }
  return people.value[id];
}

const WORDS = { status: "statuses", priority: "priorities", kind: "kinds" };

/** Format a changed value; null if it cannot be shown as text. */
function say(name, value) {
  if (value === null || value === undefined) return t("tasks.none");
  if (WORDS[name]) return t(`tasks.${WORDS[name]}.${value}`);
  if (name === "assigneeId") return personOf(value) ? nameOf(personOf(value)) : "…";
  if (name === "projectId") return projectOf(value)?.name ?? t("tasks.anotherProject");
  if (name === "dueDate" || name === "dueAt") return value.length === 10 ? onDay(value) : exactly(value);
  return null;
}

const fieldName = (name) => has(`tasks.fields.${name}`) ? t(`tasks.fields.${name}`) : name;

/** The changed fields of one change, each with its old and new value. */
function Changes({ change }) {
  const names = [...new Set([...change.changed, ...Object.keys(change.after)])];
  const told = names.filter((name) => name !== "dueAt" || !names.includes("dueDate"));
  return html`<ul>${
    told.map((name) => {
      const text = change.texts.find(({ field }) => field === name);
      if (text) {
        return html`
          <li key=${name}>
            <details><summary>${fieldName(name)}</summary>
                  ${text.before && html`<del>${text.before}</del>`}${text.after &&
                    html`<ins>${text.after}</ins>`}
                </details>
          </li>
        `;
      }
      const before = say(name, change.before[name]), after = say(name, change.after[name]);
      const known = name in change.before || name in change.after;
      return html`<li key=${name}>${fieldName(name)}${
        known && after !== null &&
        html`: <span class="muted">${before}</span> → <b>${after}</b>`
      }</li>`;
    })
  }</ul>`;
}

export function TaskHistory({ id, round }) {
  const [list] = useState(() => new Paged(`/tasks/${id}/history?limit=30`));
  useEffect(() => {
    list.load();
  }, [id, round]);
  return html`
    <${PagedList} list=${list} count=${2} rows="history"
      empty=${html`<p class="muted">${t("tasks.noHistory")}</p>`}>${(change) => {
        const key = `tasks.happened.${change.type.replace("task.", "")}`;
        return html`
          <li key=${change.id}>
            <${Avatar} person=${change.actor} small />
            <div><${PersonLink} person=${change.actor} /> ${t(
              has(key) ? key : "tasks.happened.updated",
            )}${" "}
                  <span class="muted"><${Ago} at=${change.createdAt} /></span>
                  ${change.file && html`<small class="muted">${change.file.name}</small>`}
                  ${change.type !== "task.created" && html`<${Changes} change=${change} />`}</div>
          </li>
        `;
      }}<//>
  `;
}
