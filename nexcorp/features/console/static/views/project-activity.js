/** What happened in a project, the newest first, by days. */
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

/** Where one sees what it is about; null where there is no page of it. */
const placeOf = (/** @type {Happened} */ { entityType, entityId, entityName }) =>
  entityName === null
    ? null
    : entityType === "file"
    ? `/files/${entityId}`
    : entityType === "task"
    ? `/tasks/${entityId}`
    : null;

/** What was done, in words; what the words do not know yet is named by the service's name of it. */
function saying(/** @type {Happened} */ { type, user, after, changed }) {
  const key = `projects.did.${type.replace(".", "_")}`;
  if (!has(key)) return t("projects.did.other", { type });
  return t(key, {
    name: nameOf(user),
    role: t(`projects.roles.${after.role ?? "viewer"}`),
    what: changed.map((one) => has(`projects.fields.${one}`) ? t(`projects.fields.${one}`) : one).join(", "),
  });
}

/** One thing that happened. */
function Line(/** @type {{one: Happened}} */ { one }) {
  const to = placeOf(one);
  // Who is unseen for a while has left a session: nobody did that for them.
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
    // Nothing moves under a reader: what is new waits until they ask for it.
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
