/** The bell: the newest notifications, grouped, and the number of unread ones. */
import { html, signal, useEffect, useRef } from "../vendor/preact.js";
import { api, get } from "./api.js";
import { on, standAt } from "./live.js";
import { go, href, unread } from "./router.js";
import { Ago, Avatar, Empty, Icon, toastError } from "./ui.js";
import { plain, t } from "./words.js";

/** @type {import("../vendor/preact.js").Signal<any[] | null>} */
const items = signal(null);
const PATH = "/notifications?grouped=true&limit=20";

export const ICONS = /** @type {Record<string, string>} */ ({
  announcement: "megaphone",
  assignment: "briefcase",
  comment: "message-circle",
  comment_added: "message-circle",
  follow: "user",
  import_done: "upload",
  interest: "star",
  lead_created: "trending-up",
  like: "heart",
  member_added: "folder",
  mention: "at-sign",
  message: "mail",
  project_status: "briefcase",
  score_updated: "trending-up",
  security: "shield",
  task_assigned: "check-square",
  task_completed: "check",
  task_due: "clock",
  task_updated: "check-square",
  webhook: "zap",
});

/** The path of the page about a notification's subject; null if it has no page. */
export function placeOf(/** @type {any} */ { entity, postId, relatedLeadId, actor }) {
  if (postId) return `/posts/${postId}`;
  if (relatedLeadId) return `/leads/${relatedLeadId}`;
  if (!entity) return null;
  switch (entity.type) {
    case "task":
      return `/tasks/${entity.id}`;
    case "project":
      return `/projects/${entity.id}`;
    case "conversation":
      return `/messages/${entity.id}`;
    case "user":
      return actor?.username ? `/people/${actor.username}` : null;
    case "webhook":
      return `/webhooks/${entity.id}`;
    default:
      return null;
  }
}

/** Read the newest notifications; the socket resumes from their position, so call this before connecting. */
export async function loadBell() {
  const page = await get(PATH);
  items.value = page.data;
  unread.value = page.unreadCount;
  if (page.epoch) standAt(page.epoch, page.seq);
}

/** Go to the page of a notification, and mark it, or the group that it stands for, as read. */
export async function open(/** @type {any} */ item) {
  const to = placeOf(item);
  if (to) go(to);
  if (item.group ? !item.group.unread : item.isRead) return;
  items.value =
    items.peek()?.map((other) =>
      other.id === item.id
        ? { ...other, isRead: true, group: other.group && { ...other.group, unread: 0 } }
        : other
    ) ?? null;
  try {
    await (item.group
      ? api("POST", `/notifications/groups/${item.group.id}/read`, { upTo: item.id })
      : api("PATCH", `/notifications/${item.id}`, { isRead: true }));
  } catch (error) {
    toastError(error);
    loadBell().catch(() => {});
  }
}

/** The position just after this one: bounds of the API exclude what stands at them. */
function after(/** @type {string} */ position) {
  const next = BigInt(`0x${position.replaceAll("-", "")}`) + 1n;
  return next.toString(16).padStart(32, "0").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** Mark as read what stands in a list up to its first item; what came since stays unread. */
export const readThrough = (/** @type {{position: string}} */ first) =>
  api("POST", "/notifications/read-all", { before: after(first.position) });

async function readAll() {
  const first = items.peek()?.[0];
  if (!first) return soon();
  items.value = items.peek()?.map((item) => ({
    ...item,
    isRead: true,
    group: item.group && { ...item.group, unread: 0 },
  })) ?? null;
  unread.value = 0;
  try {
    await readThrough(first);
  } catch (error) {
    toastError(error);
    soon();
  }
}

/** @type {number | undefined} */
let again;
/** The service makes the groups and titles, so read the list once after a burst of frames. */
function soon() {
  again ??= setTimeout(() => {
    again = undefined;
    loadBell().catch(() => {});
  }, 300);
}

/** One row of a list of notifications. */
export const Notice = (/** @type {any} */ { item, onOpen }) => {
  const fresh = item.group ? item.group.unread > 0 : !item.isRead;
  const icon = ICONS[item.type] ?? "bell";
  return html`<button class="notice" onClick=${() => onOpen(item)}>
    <span class="face"><${Avatar} person=${
    item.group?.actors?.[0] ?? item.actor
  } /><span class=${`kind ${item.type}`}><${Icon} name=${icon} /></span></span>
    <span class="what"><b>${plain(item.title)}</b>${
    item.message && html`<span>${plain(item.message)}</span>`
  }<small class="muted"><${Ago} at=${item.createdAt} /></small></span>
    ${fresh && html`<span class="dot"><span class="visually-hidden">${t("bell.unread")}</span></span>`}
  </button>`;
};

export function Bell() {
  const box = useRef(/** @type {any} */ (null));
  useEffect(() => {
    const ends = [
      on("notification:created", ({ isRead, silent }) => {
        if (!isRead && !silent) unread.value++;
        soon();
      }),
      on("notification:updated", soon),
      on("notification:deleted", soon),
      on("notifications:bulk-updated", soon),
      on("unread-count", ({ count }) => {
        unread.value = count;
      }),
      on("lost", soon),
    ];
    return () => ends.forEach((end) => end());
  }, []);
  const count = unread.value;
  const choose = (/** @type {any} */ item) => {
    box.current?.hidePopover();
    open(item);
  };
  return html`
    <button class="icon-button" popovertarget="bell" aria-label=${t("bell.label", { count })}>
          <${Icon} name="bell" />${count > 0 &&
            html`<span class="badge" aria-hidden="true">${count > 99 ? "99+" : count}</span>`}
        </button>
    <section id="bell" popover ref=${box} aria-label=${t("pages.notifications")}>
          <header><h2>${t(
            "pages.notifications",
          )}</h2><button class="link" disabled=${count === 0} onClick=${readAll}>${t(
            "bell.readAll",
          )}</button></header>
          <ul>${(items.value ?? []).map((item) =>
            html`
              <li key=${item.id} class=${(item.group ? item.group.unread : !item.isRead) ? "unread" : ""}>
                <${Notice} item=${item} onOpen=${choose} />
              </li>
            `
          )}</ul>
          ${items.value?.length === 0 &&
            html`<${Empty} icon="bell" title=${t("bell.empty")}>${t("bell.emptyHint")}<//>`}
          <footer><a href=${href("/notifications")} onClick=${() => box.current?.hidePopover()}>${t(
            "bell.all",
          )}</a></footer>
        </section>
  `;
}
