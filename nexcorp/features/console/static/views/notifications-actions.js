/** The actions on a notification, and its trace. */
import { html, useRef } from "../vendor/preact.js";
import { api } from "../lib/api.js";
import { attempt, useAnswer } from "../lib/store.js";
import { Dialog, exactly, Icon, Problem, Skeleton, toast, toastError } from "../lib/ui.js";
import { has, t } from "../lib/words.js";
/** @import { Notification } from "../lib/types.d.ts" */
/** @import { Paged } from "../lib/store.js" */

/** The end of a snooze: in an hour, tomorrow at nine, or on Monday at nine. */
function snoozeUntil(/** @type {string} */ choice) {
  const at = new Date();
  if (choice === "hour") at.setHours(at.getHours() + 1);
  else at.setDate(at.getDate() + (choice === "tomorrow" ? 1 : (8 - at.getDay()) % 7 || 7));
  if (choice !== "hour") at.setHours(9, 0, 0, 0);
  return at.toISOString();
}

/** Mark as read or unread; a group can only be marked as read. */
export function mark(
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

/** Archive a notification or group; the toast can undo it. */
export async function archive(/** @type {Paged<Notification>} */ list, /** @type {Notification} */ item) {
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

/** Mute a notification's subject; for a comment that is its post, with all its comments. */
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

/** The steps of a notification's delivery: who was chosen and why, what was decided, sent and seen. */
export function Trace(/** @type {{id: string, onClose: () => void}} */ { id, onClose }) {
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

/** The actions on one notification: an archive button, and a menu with the rest. */
export function Actions(/** @type {any} */ { list, item, tab, trace }) {
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
