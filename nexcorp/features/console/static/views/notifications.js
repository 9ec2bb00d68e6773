/** Notifications: grouped, to be read, snoozed, archived or muted; and why each one came. */
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { api } from "../lib/api.js";
import { Notice, placeOf } from "../lib/bell.js";
import { bindAll } from "../lib/keys.js";
import { on } from "../lib/live.js";
import { go, href, query, setQuery } from "../lib/router.js";
import { attempt, useAnswer, usePaged } from "../lib/store.js";
import {
  Dialog,
  Empty,
  exactly,
  Heading,
  Icon,
  PagedList,
  Problem,
  Skeleton,
  toast,
  toastError,
} from "../lib/ui.js";
import { has, t } from "../lib/words.js";
/** @import { Notification, HeldNotification } from "../lib/types.d.ts" */
/** @import { Paged } from "../lib/store.js" */

const LISTS = /** @type {Record<string, string>} */ ({
  all: "/notifications?grouped=true&limit=30",
  unread: "/notifications?grouped=true&unread=true&limit=30",
  snoozed: "/notifications?snoozed=true&limit=30",
  archived: "/notifications?archived=true&limit=30",
  held: "/notifications/held?limit=30",
});

/** When a snooze ends: in an hour, tomorrow at nine, on Monday at nine. */
function snoozeUntil(/** @type {string} */ choice) {
  const at = new Date();
  if (choice === "hour") at.setHours(at.getHours() + 1);
  else at.setDate(at.getDate() + (choice === "tomorrow" ? 1 : (8 - at.getDay()) % 7 || 7));
  if (choice !== "hour") at.setHours(9, 0, 0, 0);
  return at.toISOString();
}

/** Mark as read or unread; a group as a whole can only be read. */
function mark(
  /** @type {Paged<Notification>} */ list,
  /** @type {Notification} */ item,
  /** @type {boolean} */ isRead,
) {
  const { group } = item;
  return attempt(
    () => list.change(item.id, { isRead, group: group && { ...group, unread: isRead ? 0 : 1 } }),
    () =>
      group && isRead
        ? api("POST", `/notifications/groups/${group.id}/read`, { upTo: item.id })
        : api("PATCH", `/notifications/${item.id}`, { isRead }),
    () => list.change(item.id, item),
  );
}

/** Out of the list, to be taken back by the toast. */
async function archive(/** @type {Paged<Notification>} */ list, /** @type {Notification} */ item) {
  const items = list.items.peek();
  const done = await attempt(
    () => list.remove(item.id),
    () =>
      item.group
        ? api("POST", `/notifications/groups/${item.group.id}/archive`, { upTo: item.id })
        : api("PATCH", `/notifications/${item.id}`, { archived: true }),
    () => list.items.value = items,
  );
  if (!done) return;
  const undo = async () => {
    await api("PATCH", `/notifications/${item.id}`, { archived: false }).catch(toastError);
    list.load();
  };
  toast(t("notifications.archived"), "info", item.group ? undefined : { label: t("app.undo"), run: undo });
}

function snooze(
  /** @type {Paged<Notification>} */ list,
  /** @type {Notification} */ item,
  /** @type {string} */ choice,
) {
  const items = list.items.peek(), snoozedUntil = snoozeUntil(choice);
  return attempt(
    () => list.remove(item.id),
    async () => {
      await api("PATCH", `/notifications/${item.id}`, { snoozedUntil });
      toast(t("notifications.snoozed", { at: exactly(snoozedUntil) }));
    },
    () => list.items.value = items,
  );
}

/** Of a comment it is the post that is muted: with it all that is said there. */
async function mute(/** @type {Notification} */ { entity, postId }) {
  const path = `/notifications/mutes/${postId ? `post/${postId}` : `${entity.type}/${entity.id}`}`;
  try {
    await api("PUT", path, {});
    toast(t("notifications.muted"), "info", {
      label: t("app.undo"),
      run: () => api("DELETE", path).catch(toastError),
    });
  } catch (error) {
    toastError(error);
  }
}

/** Each step of a notification's way: who was chosen and why, what was decided, what was sent and seen. */
function Trace(/** @type {{id: string, onClose: () => void}} */ { id, onClose }) {
  const { value, problem, reload } = useAnswer(`/notifications/${id}/trace`);
  const say = (/** @type {string} */ group, /** @type {string} */ word) => {
    const key = `notifications.${group}.${word.replace(/^attempt_\d+.*/, "attempt")}`;
    return has(key) ? t(key) : word.replaceAll("_", " ");
  };
  return html`
    <${Dialog} title=${t("notifications.trace")} onClose=${onClose}>
      ${problem && html`<${Problem} error=${problem} retry=${reload} />`}
      ${!value && !problem && html`<${Skeleton} count=${1} />`}
      <ol class="trace">
        ${value?.data.map((step, at) =>
          html`
            <li key=${at}>
              <b>${say("steps", step.step)}</b> <span>${say("outcomes", step.outcome)}</span>
              ${step.reason && html`<span class="muted">${say("causes", step.reason)}</span>`}
              <small class="muted">${exactly(step.at)}</small>
            </li>
          `
        )}
      </ol>
    <//>
  `;
}

function Actions(/** @type {any} */ { list, item, tab, trace }) {
  const id = `menu-${item.id}`;
  const box = useRef(/** @type {any} */ (null));
  const run = (/** @type {() => void} */ action) => () => {
    box.current?.hidePopover();
    action();
  };
  const isFresh = item.group ? item.group.unread > 0 : !item.isRead;
  const back = async (/** @type {any} */ change) => {
    list.remove(item.id);
    await api("PATCH", `/notifications/${item.id}`, change).catch(toastError);
  };
  return html`
    ${tab !== "archived" && tab !== "snoozed" && html`
      <button class="icon-button" aria-label=${t("notifications.archive")} onClick=${() =>
        archive(list, item)}>
        <${Icon} name="archive" />
      </button>
    `}
    <button class="icon-button" popovertarget=${id} aria-label=${t("notifications.more")} style=${{
      anchorName: `--${id}`,
    }}>
      <${Icon} name="more-horizontal" />
    </button>
    <div id=${id} class="menu anchored" popover ref=${box} style=${{ positionAnchor: `--${id}` }}>
      ${tab === "archived" &&
        html`<button onClick=${run(() => back({ archived: false }))}><${Icon} name="undo" /> ${
          t("notifications.unarchive")
        }</button>`}
      ${tab === "snoozed" &&
        html`<button onClick=${run(() => back({ snoozedUntil: null }))}><${Icon} name="undo" /> ${
          t("notifications.wake")
        }</button>`}
      ${(isFresh || !item.group) && html`
        <button onClick=${run(() => mark(list, item, isFresh))}>
          <${Icon} name="check" /> ${t(isFresh ? "notifications.read" : "notifications.unread")}
        </button>
      `}
      ${tab !== "archived" && !item.group && ["hour", "tomorrow", "monday"].map((choice) =>
        html`
          <button key=${choice} onClick=${run(() => snooze(list, item, choice))}><${Icon} name="clock" /> ${t(
            `notifications.snooze.${choice}`,
          )}</button>
        `
      )}
      ${item.entity &&
        html`<button onClick=${run(() => mute(item))}><${Icon} name="bell-off" /> ${
          t("notifications.mute")
        }</button>`}
      <button onClick=${run(() => trace(item.id))}><${Icon} name="info" /> ${t("notifications.why")}</button>
    </div>
  `;
}

/** What was told to nobody, since a preference or a mute held it. */
function Held() {
  const list = usePaged(LISTS.held);
  const empty = html`
    <li>
      <${Empty} icon="bell-off" title=${t("notifications.nothingHeld")}>${t(
        "notifications.nothingHeldHint",
      )}<//></li>
  `;
  return html`
    <ul class="list notices">
      <${PagedList} list=${list} empty=${empty}>
        ${(/** @type {HeldNotification} */ item) =>
          html`
            <li key=${item.id}>
              <${Notice} item=${{ ...item, isRead: true, createdAt: item.heldAt }} onOpen=${() =>
                placeOf(item) && go(placeOf(item))} />
              <span class="tag plain">${t(`notifications.reasons.${item.reason}`)}</span>
            </li>
          `}
      <//>
    </ul>
  `;
}

function List(/** @type {{tab: string}} */ { tab }) {
  const list = /** @type {Paged<Notification>} */ (usePaged(LISTS[tab]));
  const [fresh, setFresh] = useState(0);
  const [traced, trace] = useState(/** @type {string | null} */ (null));
  const [current, setCurrent] = useState(/** @type {string | null} */ (null));
  const now = useRef(current);
  now.current = current;
  const reload = () => {
    setFresh(0);
    list.load();
  };
  useEffect(() => {
    const ends = [
      on("notification:created", () => setFresh((count) => count + 1)),
      on("notification:updated", (item) => {
        if ((item.archivedAt || item.snoozedUntil) && (tab === "all" || tab === "unread")) {
          list.remove(item.id);
        } else if (list.find(item.id) && !list.find(item.id)?.group) list.change(item.id, item);
      }),
      on("notification:deleted", ({ id }) => list.remove(id)),
      on("notifications:bulk-updated", () => list.load()),
      on("lost", reload),
    ];
    const step = (/** @type {number} */ by) => {
      const items = list.items.peek() ?? [], at = items.findIndex((one) => one.id === now.current);
      const next = items[Math.max(0, Math.min(items.length - 1, at + by))];
      setCurrent(next?.id ?? null);
      /** @type {HTMLElement | null} */ (document.querySelector(`[data-id="${next?.id}"] .notice`))?.focus();
    };
    const keys = bindAll([
      ["j", "keys.next", () => step(1)],
      ["k", "keys.previous", () => step(-1)],
      ["e", "keys.archive", () => {
        const item = list.find(now.current ?? "");
        if (!item) return;
        step(1);
        archive(list, item);
      }],
    ]);
    return () => [...ends, keys].forEach((end) => end());
  }, []);
  const open = (/** @type {Notification} */ item) => {
    if (item.group ? item.group.unread : !item.isRead) mark(list, item, true);
    const to = placeOf(item);
    if (to) go(to);
  };
  const empty = html`
    <li>
      <${Empty} icon="bell" title=${t("bell.empty")}>${t(`notifications.empty.${tab}`)}<//></li>
  `;
  return html`
    ${fresh > 0 &&
      html`<button class="fresh" onClick=${reload}>${t("notifications.fresh", { count: fresh })}</button>`}
    <ul class="list notices">
      <${PagedList} list=${list} empty=${empty}>
        ${(item) =>
          html`
            <li key=${item.id} data-id=${item.id} class=${(item.group ? item.group.unread > 0 : !item.isRead)
              ? "unread"
              : ""} onFocusIn=${() => setCurrent(item.id)}>
              <${Notice} item=${item} onOpen=${open} />
              <${Actions} list=${list} item=${item} tab=${tab} trace=${trace} />
            </li>
          `}
      <//>
    </ul>
    ${traced && html`<${Trace} id=${traced} onClose=${() => trace(null)} />`}
  `;
}

export default function Notifications() {
  const wanted = query.value.get("tab") ?? "all", tab = LISTS[wanted] ? wanted : "all";
  return html`
    <div class="column">
      <${Heading} title=${t("pages.notifications")}>
        <button onClick=${() =>
          api("POST", "/notifications/read-all").catch(toastError)}><${Icon} name="check" /> ${t(
            "bell.readAll",
          )}</button>
        <button onClick=${() =>
          api("POST", "/notifications/archive-all", {}).catch(toastError)}><${Icon} name="archive" /> ${t(
            "notifications.archiveRead",
          )}</button>
        <a class="button" href=${href(
          "/settings/notifications",
        )}><${Icon} name="settings" /><span class="visually-hidden">${t(
          "settings.tabs.notifications",
        )}</span></a>
      <//>
      <nav class="tab-list" aria-label=${t("pages.notifications")}>
        ${Object.keys(LISTS).map((one) =>
          html`
            <button key=${one} aria-current=${one === tab ? "page" : undefined} onClick=${() =>
              setQuery({ tab: one === "all" ? null : one })}>
              ${t(`notifications.tabs.${one}`)}
            </button>
          `
        )}
      </nav>
      ${tab === "held" ? html`<${Held} />` : html`<${List} key=${tab} tab=${tab} />`}
    </div>
  `;
}
