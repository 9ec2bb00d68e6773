/** Projects: the user's own and open ones, a form for a new one, and the trash. */
import { html, useState } from "../vendor/preact.js";
import { api, may } from "../lib/api.js";
import { go, href, query, setQuery } from "../lib/router.js";
import { usePaged } from "../lib/store.js";
import {
  Ago,
  Dialog,
  Empty,
  Field,
  Heading,
  Icon,
  nameOf,
  PagedList,
  toast,
  toastError,
  useForm,
} from "../lib/ui.js";
import { t } from "../lib/words.js";
import { asBytes } from "./project-parts.js";
/** @import { Project, TrashedProject } from "../lib/types.d.ts" */

const ROLES = ["mine", "owner", "editor", "viewer"];
export const VISIBILITIES = ["private", "internal", "public"];
const SEEN_BY =
  /** @type {Record<string, string>} */ ({ private: "lock", internal: "users", public: "globe" });

/** The visibility of a project as a tag. */
export const Visibility = (/** @type {{of: Pick<Project, "visibility">}} */ { of }) =>
  html`<span class="tag plain"><${Icon} name=${SEEN_BY[of.visibility]} /> ${
    t(`projects.visibilities.${of.visibility}`)
  }</span>`;

/** Choose one of the three visibilities, each with its explanation. */
export const ChooseVisibility = (/** @type {{chosen?: string}} */ { chosen = "private" }) =>
  html`
    <fieldset class="choices">
      <legend>${t("projects.visibility")}</legend>
      ${VISIBILITIES.map((one) =>
        html`
          <label key=${one}>
            <input type="radio" name="visibility" value=${one} defaultChecked=${one === chosen} />
            <span><b>${t(`projects.visibilities.${one}`)}</b><small class="muted">${t(
              `projects.seenBy.${one}`,
            )}</small></span>
          </label>
        `
      )}
    </fieldset>
  `;

/** The form of a new project; opens the project once created. */
function Create(/** @type {{onClose: () => void}} */ { onClose }) {
  const { busy, problem, errors, submit } = useForm(async ({ name, description, visibility }) => {
    const made = await api("POST", "/projects", {
      name,
      visibility,
      ...(description.trim() ? { description } : {}),
    });
    onClose();
    go(`/projects/${made.id}`);
  });
  return html`
    <${Dialog} title=${t("projects.create")} onClose=${onClose}>
      <form class="form" onSubmit=${submit}>
        <${Field} label=${t("projects.name")} name="name" required maxlength="120" autofocus error=${errors
          .name} />
        <${Field} label=${t("projects.description")} error=${errors.description}>
          <textarea name="description" rows="3" maxlength="5000" aria-label=${t(
            "projects.description",
          )}></textarea>
        <//>
        <${ChooseVisibility} />
        ${problem && !Object.keys(errors).length &&
          html`<p class="problem" role="alert">${problem.first}</p>`}
        <div class="wrap"><button class="primary" disabled=${busy}>${t("projects.create")}</button>
          <button type="button" class="quiet" onClick=${onClose}>${t("app.cancel")}</button></div>
      </form>
    <//>
  `;
}

/** Deleted projects, to restore or purge. */
function Trash(/** @type {{onClose: () => void}} */ { onClose }) {
  const list = usePaged("/projects/trash?limit=30");
  const [asked, ask] = useState(/** @type {string | null} */ (null));
  const restore = async (/** @type {TrashedProject} */ one) => {
    try {
      await api("POST", `/projects/${one.id}/restore`);
      onClose();
      go(`/projects/${one.id}`);
    } catch (error) {
      toastError(error);
    }
  };
  const purge = async (/** @type {TrashedProject} */ one) => {
    if (asked !== one.id) return ask(one.id);
    try {
      await api("DELETE", `/projects/${one.id}/purge`);
      list.remove(one.id);
      toast(t("projects.purged", { name: one.name }));
    } catch (error) {
      toastError(error);
    }
  };
  const empty = html`<${Empty} icon="trash" title=${t("projects.trashEmpty")}>${
    t(
      "projects.trashHint",
    )
  }<//>`;
  return html`
    <${Dialog} title=${t("projects.trash")} onClose=${onClose} wide>
      <${PagedList} list=${list} rows="rows" count=${1} empty=${empty}>
        ${(/** @type {TrashedProject} */ one) =>
          html`
            <li key=${one.id} class="row">
              <span class="what"><b>${one.name}</b><small class="muted"><${Ago} at=${one
                .deletedAt} /> · ${nameOf(one.deletedBy)}</small></span>
              <button onClick=${() => restore(one)}><${Icon} name="undo" /> ${t("projects.restore")}</button>
              ${may("project:purge") &&
                html`<button class="danger" onClick=${() => purge(one)}>${
                  t(asked === one.id ? "projects.purgeSure" : "projects.purge")
                }</button>`}
            </li>
          `}
      <//>
    <//>
  `;
}

/** One project of the list. */
const Row = (/** @type {{one: Project}} */ { one }) =>
  html`
    <li>
      <span class="emblem" aria-hidden="true"><${Icon} name="folder" /></span>
      <span class="what grow">
        <a class="person" href=${href(`/projects/${one.id}`)}>${one.name}</a>
        ${one.description && html`<span>${one.description}</span>`}
        <small class="muted">${t("projects.members", { count: one.memberCount })} · ${asBytes(
          one.storage.bytes,
        )} · <${Ago} at=${one.updatedAt} /></small>
      </span>
      <span class="wrap marks">
        <${Visibility} of=${one} />
        <span class=${`tag ${one.role === "reader" ? "plain" : ""}`}>${t(`projects.roles.${one.role}`)}</span>
      </span>
    </li>
  `;

export default function Projects() {
  const role = query.value.get("role") ?? "",
    visibility = query.value.get("visibility") ?? "",
    q = query.value.get("q") ?? "";
  const [open, setOpen] = useState(/** @type {"" | "create" | "trash"} */ (""));
  const asked = new URLSearchParams({
    limit: "30",
    ...(role ? { role } : {}),
    ...(visibility ? { visibility } : {}),
    ...(q ? { q } : {}),
  });
  const list = usePaged(`/projects?${asked}`);
  const filtered = Boolean(role || visibility || q);
  const choose = (/** @type {string} */ name, /** @type {string} */ value) => setQuery({ [name]: value });
  const empty = html`
    <${Empty} icon="folder" title=${t(filtered ? "projects.noneFound" : "projects.empty")}>
      ${filtered
        ? html`<button class="link" onClick=${() => setQuery({ role: null, visibility: null, q: null })}>${
          t("projects.showAll")
        }</button>`
        : t("projects.emptyHint")}
    <//>
  `;
  return html`
    <div class="page projects">
      <${Heading} title=${t("pages.projects")}>
        ${may("project:create") && html`
          <button class="quiet" onClick=${() => setOpen("trash")}><${Icon} name="trash" /> ${t(
            "projects.trash",
          )}</button>
          <button class="primary" onClick=${() => setOpen("create")}><${Icon} name="plus" /> ${t(
            "projects.create",
          )}</button>
        `}
      <//>
      <form class="project-filters" role="search" onSubmit=${(/** @type {Event} */ event) =>
        event.preventDefault()}>
        <input type="search" maxlength="120" aria-label=${t("projects.find")} placeholder=${t(
          "projects.find",
        )} value=${q} onInput=${(event) => choose("q", event.target.value.trim())} />
        <select aria-label=${t("projects.role")} onChange=${(event) => choose("role", event.target.value)}>
          <option value="">${t("projects.anyRole")}</option>
          ${ROLES.map((one) =>
            html`<option key=${one} value=${one} selected=${one === role}>${
              t(one === "mine" ? "projects.mine" : `projects.roles.${one}`)
            }</option>`
          )}
        </select>
        <select aria-label=${t("projects.visibility")} onChange=${(event) =>
          choose("visibility", event.target.value)}>
          <option value="">${t("projects.anyVisibility")}</option>
          ${VISIBILITIES.map((one) =>
            html`<option key=${one} value=${one} selected=${one === visibility}>${
              t(`projects.visibilities.${one}`)
            }</option>`
          )}
        </select>
      </form>
      <${PagedList} list=${list} rows="list project-list" empty=${empty}>
        ${(/** @type {Project} */ one) => html`<${Row} key=${one.id} one=${one} />`}
      <//>
      ${open === "create" && html`<${Create} onClose=${() => setOpen("")} />`}
      ${open === "trash" && html`<${Trash} onClose=${() => setOpen("")} />`}
    </div>
  `;
}
