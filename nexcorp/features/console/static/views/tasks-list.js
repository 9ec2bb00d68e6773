/** All tasks that the user sees, with filters that can be saved under a name. */
import { html, useEffect, useState } from "../vendor/preact.js";
import { api, get, may, me } from "../lib/api.js";
import { on } from "../lib/live.js";
import { query, setQuery } from "../lib/router.js";
import { Paged, useAnswer } from "../lib/store.js";
import { Dialog, Empty, Field, Icon, PagedList, toast, toastError, useForm } from "../lib/ui.js";
import { t } from "../lib/words.js";
import { CsvImport } from "./csv-import.js";
import { PersonPicker } from "./picker.js";
import { ProjectChoice } from "./tasks-board.js";
import { changeTask, ownProjects, PRIORITIES, STATUSES, TaskRow } from "./tasks-parts.js";

const FILTERS = ["status", "priority", "kind", "assignee", "project", "label", "due", "blocked", "q", "sort"];

/** The filters in the query string, with the names that GET /tasks takes. */
function readFilters() {
  return Object.fromEntries(
    FILTERS.flatMap((name) => query.value.get(name) ? [[name, query.value.get(name)]] : []),
  );
}
const clearAll = () => setQuery(Object.fromEntries(FILTERS.map((name) => [name, null])));

const Choice = ({ name, value, options, any }) =>
  html`
    <label><span class="visually-hidden">${t(`tasks.${name}`)}</span>
      <select class=${value ? "set" : ""} value=${value ?? ""} onChange=${(event) =>
        setQuery({ [name]: event.target.value })}>
        <option value="">${any}</option>
        ${options.map(([key, text]) => html`<option key=${key} value=${key}>${text}</option>`)}
      </select></label>
  `;

/** Choose the assignee: anyone, the user, nobody, or a person. */
function AssigneeChoice({ value }) {
  const [picking, setPicking] = useState(false);
  const [person, setPerson] = useState(/** @type {any} */ (null));
  const other = value && !["me", "none"].includes(value);
  useEffect(() => {
    if (other && person?.id !== value) get(`/users/${value}`).then(setPerson, () => {});
  }, [value]);
  const choose = (event) => {
    if (event.target.value !== "pick") return setQuery({ assignee: event.target.value });
    event.target.value = value ?? "";
    setPicking(true);
  };
  return html`
    <label><span class="visually-hidden">${t("tasks.assignee")}</span>
      <select class=${value ? "set" : ""} value=${value ?? ""} onChange=${choose}>
        <option value="">${t("tasks.anybody")}</option>
        <option value="me">${t("tasks.assignedToMe")}</option>
        <option value="none">${t("tasks.nobody")}</option>
        ${other && html`<option value=${value}>${person ? `@${person.username}` : "…"}</option>`}
        <option value="pick">${t("tasks.pickPerson")}</option>
      </select></label>
    ${picking && html`
      <${PersonPicker} title=${t("tasks.assignee")} onClose=${() => setPicking(false)}
        onPick=${(found) => {
          setPerson(found);
          setQuery({ assignee: found.id });
        }} />
    `}
  `;
}

/** A dialog that saves the filters under a name. */
function SaveView({ filters, onClose, onSaved }) {
  const { busy, problem, errors, submit } = useForm(async ({ name, shared }) => {
    const projectId = shared ? filters.project : undefined;
    await api("POST", "/task-views", {
      name: name.trim(),
      query: filters,
      ...(projectId ? { projectId, shared: true } : {}),
    });
    onSaved();
    onClose();
  });
  const project = ownProjects().find(({ id }) => id === filters.project);
  return html`
    <${Dialog} title=${t("tasks.saveView")} onClose=${onClose}>
      <form class="form" onSubmit=${submit}>
        <${Field} label=${t("tasks.viewName")} name="name" required maxlength="100" autofocus
          error=${errors.name ?? problem?.first} />
        ${project &&
          html`<label class="check"><input type="checkbox" name="shared" />${
            t("tasks.shareView", { project: project.name })
          }</label>`}
        <div class="row"><span class="grow"></span><button class="primary" disabled=${busy}>${t(
          "app.save",
        )}</button></div>
      </form>
      <//>
  `;
}

/** Saved views; a click applies their filters. */
function Views({ filters, saved }) {
  const here = new URLSearchParams(filters).toString();
  const remove = async (view) => {
    try {
      await api("DELETE", `/task-views/${view.id}`);
      saved.reload();
      toast(t("tasks.viewDeleted"), "info", {
        label: t("app.undo"),
        run: () =>
          api("POST", "/task-views", {
            name: view.name,
            query: view.query,
            projectId: view.projectId,
            shared: view.shared,
          }).then(saved.reload, toastError),
      });
    } catch (error) {
      toastError(error);
    }
  };
  const show = (view) =>
    setQuery({ ...Object.fromEntries(FILTERS.map((name) => [name, null])), ...view.query });
  return saved.value?.data.length > 0 && html`
    <ul class="wrap views" aria-label=${t("tasks.savedViews")}>${saved.value.data.map((view) => {
      const current = new URLSearchParams(
        Object.fromEntries(FILTERS.flatMap((name) => view.query[name] ? [[name, view.query[name]]] : [])),
      ).toString() === here;
      return html`<li key=${view.id} class=${current ? "current" : ""}>
        <button class="quiet" aria-pressed=${current} onClick=${() => show(view)}>
          <${Icon} name=${view.shared ? "users" : "star"} />${view.name}</button>
        ${
        view.mine && html`<button class="icon-button" aria-label=${
          t("tasks.deleteView", {
            name: view.name,
          })
        } onClick=${() => remove(view)}><${Icon} name="x" /></button>`
      }</li>`;
    })}</ul>
  `;
}

export function TaskList({ register }) {
  const filters = readFilters();
  const path = `/tasks?${new URLSearchParams({ limit: "50", ...filters })}`;
  const [list] = useState(() => new Paged(path));
  const [words, setWords] = useState(filters.q ?? "");
  const [saving, setSaving] = useState(false);
  const [importing, setImporting] = useState(false);
  const saved = useAnswer("/task-views?limit=100");
  const labels = useAnswer(filters.project ? `/labels?project=${filters.project}&limit=100` : null);
  useEffect(() => {
    list.items.value = null;
    list.load(path);
  }, [path]);
  useEffect(() => {
    register((task) => list.put(task));
    // Update shown tasks in place, from the frames of whichever rooms are joined.
    const renew = (data) =>
      list.find(data.id) && list.change(data.id, (old) => data.version >= old.version ? data : {});
    const ends = [
      on("task:updated", renew),
      on("task:assigned", renew),
      on("task:deleted", ({ id }) => list.remove(id)),
    ];
    return () => ends.forEach((end) => end());
  }, []);
  useEffect(() => setWords(filters.q ?? ""), [filters.q]);
  useEffect(() => {
    const timer = setTimeout(() => words.trim() !== (filters.q ?? "") && setQuery({ q: words.trim() }), 300);
    return () => clearTimeout(timer);
  }, [words]);
  const complete = (task) => {
    const status = task.status === "done" ? "todo" : "done";
    list.change(task.id, { status });
    changeTask(task, { status, version: task.version }, (now) => list.change(task.id, now));
  };
  const named = (names, key) => names.map((name) => [name, t(`tasks.${key}.${name}`)]);
  const filtered = Object.keys(filters).some((name) => name !== "sort");
  const empty = html`
    <${Empty} icon="filter" title=${t("tasks.emptyList")}>
        ${t(filtered ? "tasks.emptyFiltered" : "tasks.emptyMineHint")}<//>
  `;
  return html`
    <${Views} filters=${filters} saved=${saved} />
    <div class="wrap task-filters">
      <input type="search" maxlength="200" value=${words} aria-label=${t("tasks.find")}
        placeholder=${t("tasks.find")} onInput=${(event) => setWords(event.target.value)} />
      <${Choice} name="status" value=${filters.status} any=${t("tasks.anyStatus")}
        options=${[["todo,in_progress,review", t("tasks.allOpen")], ...named(STATUSES, "statuses")]} />
      <${Choice} name="priority" value=${filters.priority} any=${t("tasks.anyPriority")}
        options=${named(PRIORITIES, "priorities")} />
      <${AssigneeChoice} value=${filters.assignee} />
      <${ProjectChoice} value=${filters.project} onChange=${(project) =>
        setQuery({ project, label: null })} />
      ${labels.value?.data.length > 0 && html`
        <${Choice} name="label" value=${filters.label}
          any=${t("tasks.anyLabel")} options=${labels.value.data.map(({ id, name }) => [id, name])} />
      `}
      <${Choice} name="due" value=${filters.due} any=${t("tasks.anyDue")}
        options=${named(["overdue", "today", "week"], "dues")} />
      <${Choice} name="kind" value=${filters.kind} any=${t("tasks.anyKind")}
        options=${named(["task", "issue"], "kinds")} />
      <${Choice} name="sort" value=${filters.sort} any=${t("tasks.sorts.created")}
        options=${named(["updated", "due", "priority"], "sorts")} />
      <label class="check"><input type="checkbox" checked=${filters.blocked === "true"} onChange=${(event) =>
        setQuery({ blocked: event.target.checked ? "true" : null })} />${t("tasks.blocked")}</label>
      ${Object.keys(filters).length > 0 && html`
        <button class="quiet" onClick=${clearAll}><${Icon} name="x" /> ${t("tasks.clear")}</button>
        <button class="quiet" onClick=${() => setSaving(true)}><${Icon} name="star" /> ${t(
          "tasks.saveView",
        )}</button>
      `}
      <span class="grow"></span>
      ${may("task:create") && html`
        <button class="quiet" onClick=${() => setImporting(true)}><${Icon} name="upload" /> ${t(
          "tasks.import",
        )}</button>
      `}
      <button class="quiet" onClick=${() => download(filters)}><${Icon} name="download" /> ${t(
        "tasks.export",
      )}</button>
    </div>
    <${PagedList} list=${list} empty=${empty} rows="list">${(task) =>
      html`<${TaskRow} key=${task.id} task=${task} onDone=${may("task:create") && complete} />`}<//>
    ${importing && html`
      <${CsvImport} title=${t("tasks.importTitle")} hint=${t("tasks.importHint")} onDone=${() => list.load()}
        path=${`/tasks/import${filters.project ? `?projectId=${filters.project}` : ""}`}
        onClose=${() => setImporting(false)} />
    `}
    ${saving && html`
      <${SaveView} filters=${filters} onClose=${() => setSaving(false)}
        onSaved=${saved.reload} />
    `}
  `;
}

/** Download the list as CSV; by fetch, as the request needs the session's token. */
async function download(filters) {
  try {
    await saveFile(`/tasks/export.csv?${new URLSearchParams(filters)}`, `tasks-${me.peek().username}.csv`);
  } catch (error) {
    toastError(error);
  }
}

/** Save an answer of the API as a file. */
export async function saveFile(path, name) {
  const answer = await api("GET", path, undefined, { raw: true, headers: { Accept: "text/csv" } });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
