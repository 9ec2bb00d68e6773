/** The activity of a project, newest first, by day. */
import { html, useEffect, useState } from "../vendor/preact.js";
import { on } from "../lib/live.js";
import { href } from "../lib/router.js";
import { usePaged } from "../lib/store.js";
import { Ago, Avatar, Empty, Icon, nameOf, onDay, PagedList, PersonLink } from "../lib/ui.js";
import { has, t } from "../lib/words.js";
/** @import { Activity as Happened, Project } from "../lib/types.d.ts" */

const ICONS = /** @type {Record<string, string>} */ ({
  project: "folder",
  file: "file-text",
  collab_session: "users",
  task: "check-square",
  label: "flag",
  comment: "message-circle",
  import: "upload",
  repository: "git-branch",
});
const FRAMES = [
  "project:updated",
  "file:created",
  "file:updated",
  "file:deleted",
  "file:saved",
  "task:created",
  "task:updated",
];

/** The path of the entity's page; null if it has none. */
const placeOf = (/** @type {Happened} */ { entityType, entityId, entityName }) =>
  entityName === null
    ? null
    : entityType === "file"
    ? `/files/${entityId}`
    : entityType === "task"
    ? `/tasks/${entityId}`
    : null;

/** Describe an activity; a type without a text is shown as its name. */
function saying(/** @type {Happened} */ { type, user, after, changed }) {
  const key = `projects.did.${type.replace(".", "_")}`;
  if (!has(key)) return t("projects.did.other", { type });
  return t(key, {
    name: nameOf(user),
    role: t(`projects.roles.${after.role ?? "viewer"}`),
    what: changed.map((one) => has(`projects.fields.${one}`) ? t(`projects.fields.${one}`) : one).join(", "),
  });
}

/** One activity. */
function Line(/** @type {{one: Happened}} */ { one }) {
  const to = placeOf(one);
  // A collab session that ended by inactivity has no actor: show its user.
  const who = one.actor ?? (one.entityType === "collab_session" ? one.user : null);
  const named = one.entityType !== "project" && one.entityName;
  return html`
    <li>
      <span
        class="face"><${Avatar} person=${who ??
          { id: "", username: t("projects.nobody") }} small /><span class="kind"><${Icon} name=${ICONS[
            one.entityType
          ] ?? "activity"} /></span></span>
      <span class="grow says">${who ? html`<${PersonLink} person=${who} />` : html`<b>${
        t(
          "projects.nobody",
        )
      }</b>`} ${saying(one)}${" "}
        ${named && (to ? html`<a href=${href(to)}>${named}</a>` : html`<b>${named}</b>`)}</span>
      <small class="muted"><${Ago} at=${one.createdAt} /></small>
    </li>
  `;
}

export default function Activity(/** @type {{project: Project}} */ { project }) {
  const list = usePaged(`/projects/${project.id}/activity?limit=50`);
  const [news, setNews] = useState(false);
  useEffect(() => {
    // Offer new entries instead of adding them: the list must not move while the user reads.
    const ends = FRAMES.map((name) => on(name, () => list.items.peek() && setNews(true)));
    return () => ends.forEach((end) => end());
  }, []);
  const show = () => {
    setNews(false);
    list.load();
  };
  const all = list.items.value ?? [];
  return html`
    <section class="stack activity" aria-label=${t("projects.tabs.activity")}>
      ${news && html`<button class="fresh" onClick=${show}>${t("projects.news")}</button>`}
      <${PagedList} list=${list} rows="list" empty=${html`<${Empty} icon="activity" title=${
        t(
          "projects.noActivity",
        )
      }>${t("projects.noActivityHint")}<//>`}>
        ${(/** @type {Happened} */ one, /** @type {number} */ at) =>
          html`${
            (at === 0 || onDay(all[at - 1].createdAt) !== onDay(one.createdAt)) &&
            html`
              <li key=${onDay(one.createdAt)} class="day">
                <h2>${onDay(one.createdAt)}</h2>
              </li>
            `
          }
            <${Line} key=${one.id} one=${one} />`}
      <//>
    </section>
  `;
}
