/** A task's checklist, subtasks and links to other tasks. */
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { api, get } from "../lib/api.js";
import { href } from "../lib/router.js";
import { useAnswer, useDraft } from "../lib/store.js";
import { Avatar, Icon, nameOf, Problem, toastError } from "../lib/ui.js";
import { t } from "../lib/words.js";
import { Picker } from "./picker.js";
import { changeTask, mayChange, projectOf, Status } from "./tasks-parts.js";

/** An answer that is fetched again when `round` changes; the old one stays visible meanwhile. */
function useFresh(path, round) {
  const answer = useAnswer(path);
  const [seen] = useState({ round });
  useEffect(() => {
    if (seen.round !== round) answer.reload();
    seen.round = round;
  }, [round]);
  return answer;
}

/** An input that adds a line on Enter. */
function AddLine({ name, label, most, add }) {
  const [text, setText, clear] = useDraft(name);
  const busy = useRef(false);
  const submit = async (event) => {
    event.preventDefault();
    const line = text.trim();
    if (!line || busy.current) return;
    busy.current = true;
    try {
      await add(line);
      clear(line);
    } catch (error) {
      toastError(error);
    } finally {
      busy.current = false;
    }
  };
  return html`
    <form class="row add-line" onSubmit=${submit}>
      <input maxlength=${most} aria-label=${label} placeholder=${label} value=${text}
        onInput=${(event) => setText(event.target.value)} />
      <button class="icon-button" disabled=${!text.trim()} aria-label=${t(
        "app.add",
      )}><${Icon} name="plus" /></button>
    </form>
  `;
}

const Bar = ({ done, total }) =>
  total > 0 &&
  html`<progress max=${total} value=${done} aria-label=${t("tasks.stepsDone", { done, total })}></progress>`;

export function Checklist({ task, round, writable, onChange }) {
  const path = `/tasks/${task.id}/checklist`;
  const list = useFresh(path, round);
  const [editing, setEditing] = useState("");
  const items = list.value?.data ?? [];
  const send = async (show, ask) => {
    const before = list.value;
    if (show) list.set({ data: show });
    try {
      list.set(await ask());
      onChange();
    } catch (error) {
      list.set(before);
      toastError(error);
    }
  };
  const change = (item, what) =>
    send(
      items.map((one) => one.id === item.id ? { ...one, ...what } : one),
      () => api("PATCH", `${path}/${item.id}`, what),
    );
  const step = (item, by) => {
    const at = items.findIndex(({ id }) => id === item.id), other = items[at + by];
    if (!other) return;
    const moved = items.filter(({ id }) => id !== item.id);
    moved.splice(at + by, 0, item);
    send(
      moved,
      () =>
        api("PATCH", `${path}/${item.id}`, { place: by < 0 ? { before: other.id } : { after: other.id } }),
    );
  };
  if (list.problem && !list.value) return html`<${Problem} error=${list.problem} retry=${list.reload} />`;
  return html`
    <${Bar} total=${items.length} done=${items.filter(({ isDone }) => isDone).length} />
    ${items.length > 0 &&
      html`<ul class="steps-list">${
        items.map((item) =>
          html`<li key=${item.id} onKeyDown=${(event) => {
            if (!writable || !event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
            event.preventDefault();
            step(item, event.key === "ArrowUp" ? -1 : 1);
          }}>
        <input type="checkbox" checked=${item.isDone} disabled=${!writable} aria-label=${item.text}
          onChange=${() => change(item, { isDone: !item.isDone })} />
        ${
            editing === item.id
              ? html`
                <input class="grow" autofocus maxlength="500" aria-label=${t("tasks.step")} value=${item.text}
                  onBlur=${() => setEditing("")} onKeyDown=${(event) => {
                    if (event.key === "Escape") setEditing("");
                    if (event.key !== "Enter") return;
                    const text = event.target.value.trim();
                    setEditing("");
                    if (text && text !== item.text) change(item, { text });
                  }} />
              `
              : html`
                <span class=${`grow ${item.isDone ? "done" : ""}`} aria-hidden="true"
                  onDblClick=${() => writable && setEditing(item.id)}>${item.text}</span>
              `
          }
        ${
            writable && html`
              <button class="icon-button" aria-label=${t("tasks.editStep", { text: item.text })}
                onClick=${() => setEditing(item.id)}><${Icon} name="edit" /></button>
              <button class="icon-button" aria-label=${t("tasks.deleteStep", {
                text: item.text,
              })} onClick=${() =>
                send(items.filter(({ id }) => id !== item.id), () =>
                  api("DELETE", `${path}/${item.id}`))}><${Icon} name="x" /></button>
            `
          }</li>`
        )
      }</ul>`}
    ${writable
      ? html`<${AddLine} name=${`step-${task.id}`} label=${t("tasks.addStep")} most="500" add=${async (
        text,
      ) => {
        list.set(await api("POST", path, { text }));
        onChange();
      }} />`
      : items.length === 0 && html`<p class="muted">${t("tasks.none")}</p>`}
  `;
}

/** A subtask or linked task as one row. */
const TaskLine = ({ task, children }) =>
  html`<li key=${task.id}>${children}
    <a class=${`plain grow ${task.status === "done" ? "done" : ""}`} href=${href(`/tasks/${task.id}`)}>${
    task.number ? `#${task.number} ` : ""
  }${task.title}</a><${Status} status=${task.status} />${
    task.assignee &&
    html`<span title=${nameOf(task.assignee)}><${Avatar} person=${task.assignee} small /></span>`
  }</li>`;

export function Subtasks({ task, round, writable }) {
  const list = useFresh(`/tasks/${task.id}/subtasks?limit=100`, round);
  const tasks = list.value?.data ?? [];
  const put = (now) => list.set({ ...list.value, data: tasks.map((one) => one.id === now.id ? now : one) });
  const toggle = (one) => {
    const status = one.status === "done" ? "todo" : "done";
    put({ ...one, status });
    changeTask(one, { status, version: one.version }, put);
  };
  return html`
    <${Bar} total=${tasks.length} done=${tasks.filter(({ status }) => status === "done").length} />
    ${tasks.length > 0 &&
      html`<ul class="steps-list">${
        tasks.map((one) =>
          html`<${TaskLine} key=${one.id} task=${one}><input type="checkbox" checked=${one.status === "done"}
        disabled=${!mayChange(one)} aria-label=${t("tasks.complete", { title: one.title })}
        onChange=${() => toggle(one)} /><//>`
        )
      }</ul>`}
    ${writable
      ? html`
        <${AddLine} name=${`subtask-${task.id}`} label=${t("tasks.addSubtask")} most="200"
          add=${async (title) => {
            const made = await api("POST", "/tasks", {
              title,
              parentId: task.id,
              ...(task.projectId ? { projectId: task.projectId } : {}),
            });
            list.set({ ...list.value, data: [...tasks, made] });
          }} />
      `
      : tasks.length === 0 && html`<p class="muted">${t("tasks.none")}</p>`}
  `;
}

export function Links({ task, round, writable, onChange }) {
  const links = useFresh(`/tasks/${task.id}/blockers`, round);
  const [asking, setAsking] = useState("");
  const send = (method, blocked, blocker) =>
    api(method, `/tasks/${blocked}/blockers/${blocker}`).then(() => {
      links.reload();
      onChange();
    }, toastError);
  const pair = (kind, other) => kind === "blockers" ? [task.id, other] : [other, task.id];
  const find = async (text) => {
    const query = new URLSearchParams({ limit: "20", ...(text ? { q: text } : {}) });
    if (task.projectId && !text) query.set("project", task.projectId);
    return (await get(`/tasks?${query}`)).data.filter(({ id }) => id !== task.id);
  };
  const show = (kind, hidden) => {
    const found = links.value?.[kind] ?? [], count = links.value?.[hidden] ?? 0;
    return html`<div class="stack"><h3 class="muted">${t(`tasks.${kind}`)}</h3>
      ${
      found.length > 0 && html`<ul class="steps-list">${
        found.map((one) =>
          html`<${TaskLine} key=${one.id} task=${one}>${
            writable &&
            html`<button class="icon-button" aria-label=${
              t("tasks.unlink", { title: one.title })
            } onClick=${() => send("DELETE", ...pair(kind, one.id))}><${Icon} name="x" /></button>`
          }<//>`
        )
      }</ul>`
    }
      ${count > 0 && html`<p class="muted"><${Icon} name="eye-off" /> ${t("tasks.hidden", { count })}</p>`}
      ${
      writable
        ? html`<button class="link" onClick=${() => setAsking(kind)}><${Icon} name="plus" /> ${
          t(`tasks.add.${kind}`)
        }</button>`
        : found.length + count === 0 && html`<p class="muted">${t("tasks.none")}</p>`
    }</div>`;
  };
  return html`
    <div class="pair">${show("blockers", "hiddenBlockers")}${show("blocking", "hiddenBlocking")}</div>
    ${asking && html`
      <${Picker} title=${t(`tasks.add.${asking}`)} find=${find} onClose=${() => setAsking("")}
        onPick=${(other) => send("PUT", ...pair(asking, other.id))}
        show=${(one) =>
          html`<span class="grow">${one.number ? `#${one.number} ` : ""}${one.title}</span>
        <small class="muted">${projectOf(one.projectId)?.name}</small><${Status} status=${one.status} />`} />
    `}
  `;
}
