/** A conversation's settings: its members, its notifications, and leaving it. */
import { html } from "../vendor/preact.js";
import { api, may, me } from "../lib/api.js";
import { PickPerson } from "../lib/pick.js";
import { go } from "../lib/router.js";
import { usePaged } from "../lib/store.js";
import { Avatar, Dialog, Field, Icon, PagedList, PersonLink, toast, toastError, useForm } from "../lib/ui.js";
import { t } from "../lib/words.js";
import { conversations, titleOf } from "./messages.js";
/** @import { Conversation, ConversationMember } from "../lib/types.d.ts" */

function Settings(
  /** @type {{one: Conversation, onChange: (change: Partial<Conversation>) => void}} */ { one, onChange },
) {
  const save = async (/** @type {any} */ change) => {
    try {
      onChange(await api("PUT", `/conversations/${one.id}/settings`, change));
    } catch (error) {
      toastError(error);
    }
  };
  return html`
    <${Field} label=${t("messages.level")}>
      <select onChange=${(event) => save({ level: event.target.value })}>
        ${["all", "mentions", "none"].map((level) =>
          html`<option key=${level} value=${level} selected=${level === one.level}>${
            t(`messages.levels.${level}`)
          }</option>`
        )}
      </select>
      <//>
      <label class="check"><input type="checkbox" checked=${one.mutedUntil !== null} onChange=${(event) =>
        save({ mutedUntil: event.target.checked ? inAYear() : null })} /> ${t("messages.mute")}</label>
  `;
}

const inAYear = () => new Date(Date.now() + 365 * 86_400_000).toISOString();

export function Members(
  /** @type {{one: Conversation, onClose: () => void, onChange: (change: Partial<Conversation>) => void}} */ {
    one,
    onClose,
    onChange,
  },
) {
  const list = usePaged(`/conversations/${one.id}/members?limit=50`);
  const owner = one.kind === "group" && one.role === "owner";
  const { busy, problem, submit } = useForm(async ({ title }) => {
    onChange(await api("PATCH", `/conversations/${one.id}`, { title, version: one.version }));
    toast(t("app.saved"));
  });
  const set = async (/** @type {string} */ userId, /** @type {any} */ body) => {
    try {
      await api(body ? "PUT" : "DELETE", `/conversations/${one.id}/members/${userId}`, body);
      list.load();
    } catch (error) {
      toastError(error);
    }
  };
  const leave = async () => {
    try {
      await api("DELETE", `/conversations/${one.id}/members/${me.peek().id}`);
      conversations.remove(one.id);
      go("/messages");
    } catch (error) {
      toastError(error);
    }
  };
  const block = async () => {
    try {
      const { blocked } = await api("PUT", `/users/${one.person.id}/block`);
      toast(t(blocked === false ? "app.failed" : "messages.blocked"), "info", {
        label: t("app.undo"),
        run: () => api("DELETE", `/users/${one.person.id}/block`).catch(toastError),
      });
    } catch (error) {
      toastError(error);
    }
  };
  const known = new Set(list.items.value?.map((/** @type {ConversationMember} */ { user }) => user.id));
  return html`
    <${Dialog} title=${titleOf(one)} onClose=${onClose}>
      ${owner && html`
        <form class="form" onSubmit=${submit}>
          <${Field} label=${t("messages.groupTitle")} name="title" value=${one.title ??
            ""} maxlength="100" required error=${problem?.first} />
          <div><button disabled=${busy}>${t("app.save")}</button></div>
        </form>
      `}
      <${Settings} one=${one} onChange=${onChange} />
      <h3>${t("messages.members", { count: one.memberCount })}</h3>
      ${owner &&
        html`<${PickPerson} label=${t("messages.addMember")} without=${known} onPick=${(person) =>
          set(person.id, {})} />`}
      <ul class="rows">
        <${PagedList} list=${list} count=${1}>
          ${(/** @type {ConversationMember} */ { user, role }) =>
            html`
              <li key=${user.id}
                class="row"><${Avatar} person=${user} small /><span class="grow"><${PersonLink} person=${user} /></span>
                ${role === "owner" && one.kind === "group" &&
                  html`<span class="tag plain">${t("messages.owner")}</span>`}
                ${owner && user.id !== me.value.id && html`
                  <button onClick=${() => set(user.id, { role: role === "owner" ? "member" : "owner" })}>${t(
                    role === "owner" ? "messages.makeMember" : "messages.makeOwner",
                  )}</button>
                  <button class="icon-button" aria-label=${`${
                    t("messages.remove")
                  } ${user.username}`} onClick=${() => set(user.id, null)}><${Icon} name="x" /></button>
                `}</li>
            `}
        <//>
      </ul>
      <div class="wrap">
        ${one.kind === "group" &&
          html`<button class="danger" onClick=${leave}>${t("messages.leave")}</button>`}
        ${one.kind === "direct" && one.person?.id !== me.value.id && may("message:create") &&
          html`<button class="danger" onClick=${block}>${t("messages.block")}</button>`}
      </div>
    <//>
  `;
}
