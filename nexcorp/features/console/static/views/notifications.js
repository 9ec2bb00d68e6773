/** Notifications: grouped; read, snooze, archive or mute them, and see why each was sent. */
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { api } from "../lib/api.js";
import { Notice, placeOf, readThrough } from "../lib/bell.js";
import { bindAll } from "../lib/keys.js";
import { on } from "../lib/live.js";
import { go, href, query, setQuery } from "../lib/router.js";
import { usePaged } from "../lib/store.js";
import { Empty, Heading, Icon, PagedList, toastError } from "../lib/ui.js";
import { t } from "../lib/words.js";
import { Actions, archive, mark, Trace } from "./notifications-actions.js";
/** @import { Notification, HeldNotification } from "../lib/types.d.ts" */
/** @import { Paged } from "../lib/store.js" */

const LISTS = /** @type {Record<string, string>} */ ({
  all: "/notifications?grouped=true&limit=30",
  unread: "/notifications?grouped=true&unread=true&limit=30",
  snoozed: "/notifications?snoozed=true&limit=30",
  archived: "/notifications?archived=true&limit=30",
  held: "/notifications/held?limit=30",
});

/** Notifications that were held back by a preference or a mute. */
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

function List(/** @type {{tab: string, shown: {current: Paged<Notification> | null}}} */ { tab, shown }) {
  const list = shown.current = /** @type {Paged<Notification>} */ (usePaged(LISTS[tab]));
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
      on("notifications:bulk-updated", reload),
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
  const shown = useRef(/** @type {Paged<Notification> | null} */ (null));
  const readAll = () => {
    const first = shown.current?.items.peek()?.[0];
    if (first) readThrough(first).catch(toastError);
  };
  return html`
    <div class="column">
      <${Heading} title=${t("pages.notifications")}>
        ${(tab === "all" || tab === "unread") &&
          html`<button onClick=${readAll}><${Icon} name="check" /> ${t("bell.readAll")}</button>`}
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
      ${tab === "held" ? html`<${Held} />` : html`<${List} key=${tab} tab=${tab} shown=${shown} />`}
    </div>
  `;
}
