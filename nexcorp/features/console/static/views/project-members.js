/** The members of a project and their roles. */
import { html, useEffect, useState } from "../vendor/preact.js";
import { api, may, me } from "../lib/api.js";
import { on } from "../lib/live.js";
import { PickPerson } from "../lib/pick.js";
import { go } from "../lib/router.js";
import { usePaged } from "../lib/store.js";
import { Ago, Avatar, Icon, nameOf, PagedList, PersonLink, toast, toastError } from "../lib/ui.js";
import { t } from "../lib/words.js";
import { belongs } from "./project-parts.js";
/** @import { Member, Person, Project } from "../lib/types.d.ts" */

const ROLES = ["owner", "editor", "viewer"];

const RoleSelect = (/** @type {{label: string, role: string, onChange: (role: string) => void}} */ given) =>
  html`
    <select aria-label=${given.label} value=${given.role} onChange=${(event) =>
      given.onChange(event.target.value)}>
      ${ROLES.map((one) =>
        html`<option key=${one} value=${one} selected=${one === given.role}>${
          t(`projects.roles.${one}`)
        }</option>`
      )}
    </select>
  `;

export default function Members(/** @type {{project: Project, reload: () => void}} */ { project, reload }) {
  const list = usePaged(`/projects/${project.id}/members?limit=50`);
  const [role, setRole] = useState("editor");
  const manages = project.role === "owner" && may("project:create");
  // The frame says that the project changed, not which member, so load the list again.
  useEffect(() => on("project:updated", (data) => data.id === project.id && list.load()), [project.id]);
  /** Give a person a role; null removes them. */
  const set = async (/** @type {Person} */ user, /** @type {string | null} */ next) => {
    try {
      await api(
        next ? "PUT" : "DELETE",
        `/projects/${project.id}/members/${user.id}`,
        next ? { role: next } : undefined,
      );
      if (!next && user.id === me.peek().id && !may("project:manage")) {
        toast(t("projects.left", { name: project.name }));
        return go("/projects");
      }
      toast(
        next
          ? t("projects.nowIs", { name: nameOf(user), role: t(`projects.roles.${next}`) })
          : t("projects.removed", { name: nameOf(user) }),
      );
    } catch (error) {
      const last = /** @type {any} */ (error).code === "last_owner";
      if (last) toast(t("projects.lastOwner"), "error");
      else toastError(error);
    }
    // Load the list also after a refusal: the select must show the actual role.
    await list.load();
    reload();
  };
  const known = new Set(list.items.value?.map((/** @type {Member} */ { user }) => user.id));
  return html`
    <section class="stack" aria-label=${t("projects.tabs.members")}>
      ${manages && html`
        <div class="add-member">
          <${PickPerson} label=${t("projects.addMember")} without=${known} onPick=${(person) =>
            set(person, role)} />
          <${RoleSelect} label=${t("projects.roleOfNew")} role=${role} onChange=${setRole} />
        </div>
      `}
      <${PagedList} list=${list} rows="list members">
        ${(/** @type {Member} */ { user, role: now, createdAt }) =>
          html`
            <li key=${user.id}>
              <${Avatar} person=${user} />
              <span class="what grow"><${PersonLink} person=${user} />
                <small class="muted">@${user.username} · ${t(
                  "projects.since",
                )} <${Ago} at=${createdAt} /></small></span>
              ${manages
                ? html`<${RoleSelect} label=${
                  t("projects.roleOf", { name: nameOf(user) })
                } role=${now} onChange=${(
                  next,
                ) => set(user, next)} />`
                : html`<span class="tag plain">${t(`projects.roles.${now}`)}</span>`}
              ${user.id === me.value.id
                ? belongs(project) && may("project:create") &&
                  html`<button class="quiet danger" onClick=${() => set(user, null)}>${
                    t("projects.leave")
                  }</button>`
                : manages && html`<button class="icon-button" aria-label=${
                  t("projects.remove", {
                    name: nameOf(user),
                  })
                } onClick=${() => set(user, null)}><${Icon} name="x" /></button>`}
            </li>
          `}
      <//>
    </section>
  `;
}
