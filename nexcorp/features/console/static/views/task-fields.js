/** A task's fields, edited in place. */
import { html, useEffect, useState } from "../vendor/preact.js";
import { api, get, may } from "../lib/api.js";
import { href } from "../lib/router.js";
import { useAnswer } from "../lib/store.js";
import { Avatar, Dialog, exactly, Field, Icon, nameOf, toastError, useForm } from "../lib/ui.js";
import { t } from "../lib/words.js";
import { PersonPicker, Picker } from "./picker.js";
import { Due, Label, ownProjects, PRIORITIES, Priority, Status, STATUSES } from "./tasks-parts.js";

const Choice = ({ name, value, options, writable, change, icon }) =>
  html`
    <div class="fact"><label class="muted" for=${`task-${name}`}>${t(`tasks.${name}`)}</label>
      ${icon}
      <select id=${`task-${name}`} value=${value ?? ""} disabled=${!writable} onChange=${(event) =>
        change({ [name]: event.target.value })}>${options.map(([key, text]) =>
          html`<option key=${key} value=${key} selected=${key === (value ?? "")}>${text}</option>`
        )}</select></div>
  `;

/** A field with a button that opens a chooser; the children show the present value. */
export const Fact = ({ name, writable, onClick, children }) =>
  html`
    <div class="fact"><span class="muted">${name}</span>
      ${writable
        ? html`<button class="chooser" onClick=${onClick}><span class="visually-hidden">${name}: </span>${children}
            <${Icon} name="chevron-down" /></button>`
        : html`<span class="value">${children}</span>`}</div>
  `;

/** The due date and time, as the values of a date and a time input; "" if unset. */
function splitDue(task) {
  if (!task.dueDate) return ["", ""];
  if (task.dueAllDay) return [task.dueDate, ""];
  const at = new Date(task.dueAt);
  const two = (value) => String(value).padStart(2, "0");
  return [
    `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`,
    `${two(at.getHours())}:${two(at.getMinutes())}`,
  ];
}

/** A dialog with the due date and the repetition. */
function DueDialog({ task, change, onClose }) {
  const [day, time] = splitDue(task);
  const { repeat } = task;
  const [frequency, setFrequency] = useState(repeat?.frequency ?? "");
  const send = (body) => change(body).then((now) => now && onClose());
  const { busy, submit } = useForm(async (values) => {
    const dueDate = values.time ? new Date(`${values.day}T${values.time}`).toISOString() : values.day;
    const next = values.frequency
      ? {
        frequency: values.frequency,
        every: Number(values.every),
        until: values.until || null,
        timezone: repeat?.timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
      }
      : null;
    const same = JSON.stringify(next) === JSON.stringify(
      repeat && {
        frequency: repeat.frequency,
        every: repeat.every,
        until: repeat.until,
        timezone: repeat.timezone,
      },
    );
    await send({ dueDate, ...(same ? {} : { repeat: next }) });
  });
  return html`
    <${Dialog} title=${t("tasks.due")} onClose=${onClose}>
      <form class="form" onSubmit=${submit}>
        <div class="fields">
          <${Field} label=${t("tasks.day")} type="date" name="day" required autofocus defaultValue=${day} />
          <${Field} label=${t("tasks.time")} type="time" name="time" defaultValue=${time} />
        </div>
        <div class="fields">
          <${Field} label=${t("tasks.repeat")}><select name="frequency" value=${frequency}
            onChange=${(event) => setFrequency(event.target.value)}>
            <option value="">${t("tasks.never")}</option>${["daily", "weekly", "monthly"].map((one) =>
              html`<option key=${one} value=${one}>${t(`tasks.frequencies.${one}`)}</option>`
            )}</select><//>
          ${frequency && html`
            <${Field} label=${t("tasks.every")} type="number" name="every" min="1" max="99"
              defaultValue=${repeat?.every ?? 1} required />
            <${Field} label=${t("tasks.until")} type="date" name="until" defaultValue=${repeat?.until ??
              ""} />
          `}
        </div>
        <p class="muted"><${Icon} name="bell" /> ${t("tasks.reminders")}</p>
        <div class="row">
          ${task.dueDate &&
            html`<button type="button" class="danger" onClick=${() =>
              send({ dueDate: null, ...(repeat ? { repeat: null } : {}) })}>${t("tasks.noDue")}</button>`}
          <span class="grow"></span><button class="primary" disabled=${busy}>${t("app.save")}</button></div>
      </form>
    <//>
  `;
}

const COLOURS = ["#d73a4a", "#b45309", "#17734a", "#0f766e", "#2563eb", "#5319e7", "#be185d", "#596273"];

/** A dialog with the task's labels; it can create new ones. */
function LabelDialog({ task, change, onClose }) {
  const list = useAnswer(`/labels?project=${task.projectId ?? "none"}&limit=100`);
  const [ids, setIds] = useState(task.labels.map(({ id }) => id));
  const [color, setColor] = useState(COLOURS[0]);
  const toggle = (id) => setIds(ids.includes(id) ? ids.filter((one) => one !== id) : [...ids, id]);
  const { busy, problem, submit } = useForm(async ({ name }, form) => {
    const made = await api("POST", "/labels", { name: name.trim(), color, projectId: task.projectId });
    await list.reload();
    setIds([...ids, made.id]);
    form.reset();
  });
  return html`
    <${Dialog} title=${t("tasks.labels")} onClose=${onClose}>
      <ul class="stack">${list.value?.data.map((label) =>
        html`<li key=${label.id}><label class="check"><input type="checkbox" checked=${ids.includes(label.id)}
          onChange=${() => toggle(label.id)} /><${Label} label=${label} /></label></li>`
      )}</ul>
      ${list.value?.data.length === 0 && html`<p class="muted">${t("tasks.noLabels")}</p>`}
      ${task.projectId && html`<form class="wrap" onSubmit=${submit}>
        <input name="name" required maxlength="50" aria-label=${t("tasks.newLabel")} placeholder=${
        t("tasks.newLabel")
      } />
        <span class="swatches" role="radiogroup" aria-label=${t("tasks.colour")}>${
        COLOURS.map((one) =>
          html`
            <button key=${one} type="button" role="radio" aria-checked=${one === color} aria-label=${one}
              style=${{ background: one }} onClick=${() => setColor(one)}></button>
          `
        )
      }</span>
        <button disabled=${busy}>${t("app.add")}</button>
        ${problem && html`<p class="problem" role="alert">${problem.first}</p>`}</form>`}
      <div class="row"><span class="grow"></span><button class="primary" onClick=${() =>
        change({ labelIds: ids }).then((now) => now && onClose())}>${t("app.save")}</button></div>
    <//>
  `;
}

/** The task's lead, for users who may see leads. */
function LeadFact({ task, writable, onClick }) {
  const [lead, setLead] = useState(/** @type {any} */ (null));
  useEffect(() => {
    setLead(null);
    if (task.leadId) get(`/leads/${task.leadId}`).then(setLead, () => {});
  }, [task.leadId]);
  return html`<${Fact} name=${t("tasks.lead")} writable=${writable} onClick=${onClick}>${
    lead?.name ?? (task.leadId ? "…" : t("tasks.noLead"))
  }<//>
    ${lead && html`<a class="fact-link" href=${href(`/leads/${lead.id}`)}>${t("tasks.openLead")}</a>`}`;
}

export function TaskFields({ task, writable, change }) {
  const [asking, setAsking] = useState("");
  const close = () => setAsking("");
  const named = (names, key) => names.map((name) => [name, t(`tasks.${key}.${name}`)]);
  const places = ownProjects().filter((one) =>
    one.role !== "viewer" || may("task:manage") || one.id === task.projectId
  );
  return html`
    <${Choice} name="status" value=${task.status} writable=${writable} change=${change}
      options=${named(STATUSES, "statuses")} icon=${html`<${Status} status=${task.status} />`} />
    <${Choice} name="priority" value=${task.priority} writable=${writable} change=${change}
      options=${named(PRIORITIES, "priorities")} icon=${html`<${Priority} priority=${task.priority} />`} />
    <${Fact} name=${t("tasks.assignee")} writable=${writable} onClick=${() => setAsking("assignee")}>
      ${task.assignee
        ? html`<${Avatar} person=${task.assignee} small />${nameOf(task.assignee)}`
        : t("tasks.nobody")}<//>
    <${Fact} name=${t("tasks.due")} writable=${writable} onClick=${() => setAsking("due")}>
      ${task.dueAt ? html`<${Due} task=${task} />` : t("tasks.noDue")}<//>
    ${task.repeat &&
      html`<p class="muted fact-link"><${Icon} name="refresh-cw" /> ${
        t(`tasks.frequencies.${task.repeat.frequency}`)
      }</p>`}
    <${Fact} name=${t("tasks.labels")} writable=${writable} onClick=${() => setAsking("labels")}>
      ${task.labels.length
        ? html`<span class="wrap">${
          task.labels.map((label) => html`<${Label} key=${label.id} label=${label} />`)
        }</span>`
        : t("tasks.none")}<//>
    <${Choice} name="kind" value=${task.kind} writable=${writable} change=${change}
      options=${named(["task", "issue"], "kinds")} />
    <${Choice} name="projectId" value=${task.projectId} writable=${writable && !task.parentId}
      change=${({ projectId }) => change({ projectId: projectId || null })}
      options=${[["", t("tasks.noProject")], ...places.map(({ id, name }) => [id, name])]} />
    ${may("lead:read") && html`
      <${LeadFact} task=${task} writable=${writable}
        onClick=${() => setAsking("lead")} />
    `}
    ${task.startedAt && html`<div class="fact"><span class="muted">${t("tasks.started")}</span><span
      class="value">${exactly(task.startedAt)}</span></div>`}
    ${task.completedAt && html`<div class="fact"><span class="muted">${t("tasks.statuses.done")}</span><span
      class="value">${exactly(task.completedAt)}</span></div>`}
    ${asking === "assignee" && html`
      <${PersonPicker} title=${t("tasks.assignee")} none=${t("tasks.nobody")}
        projectId=${task.projectId} onClose=${close} onPick=${(person) =>
          change({ assigneeId: person?.id ?? null })} />
    `}
    ${asking === "due" && html`<${DueDialog} task=${task} change=${change} onClose=${close} />`}
    ${asking === "labels" && html`<${LabelDialog} task=${task} change=${change} onClose=${close} />`}
    ${asking === "lead" && html`
      <${Picker} title=${t("tasks.lead")} none=${t("tasks.noLead")} onClose=${close}
        find=${async (text) =>
          (await get(`/leads?limit=20${text ? `&q=${encodeURIComponent(text)}` : ""}`)).data}
        show=${(lead) =>
          html`<span class="grow">${lead.name}</span><small class="muted">${lead.company}</small>`}
        onPick=${(lead) => change({ leadId: lead?.id ?? null }).catch(toastError)} />
    `}
  `;
}
