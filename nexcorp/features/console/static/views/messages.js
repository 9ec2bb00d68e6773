/** Messages: the conversations on the left, the open one beside them. */
import { html, useEffect, useState } from "../vendor/preact.js";
import { api, get, me } from "../lib/api.js";
import { on } from "../lib/live.js";
import { go, href } from "../lib/router.js";
import { Paged } from "../lib/store.js";
import { PickPerson } from "../lib/pick.js";
import {
  Ago,
  Avatar,
  Dialog,
  Empty,
  Field,
  Heading,
  Icon,
  nameOf,
  PagedList,
  toastError,
  useForm,
} from "../lib/ui.js";
import { plain, t } from "../lib/words.js";
import { Thread } from "./messages-thread.js";
import { restore, unsentIn } from "./messages-unsent.js";
/** @import { Conversation, PersonCard } from "../lib/types.d.ts" */

/** The name of a conversation: its title, the other person, or the user's own notes. */
export function titleOf(/** @type {Conversation} */ { kind, title, person }) {
  if (kind === "group") return title === null ? t("messages.group") : plain(title);
  return person?.id === me.value.id ? t("messages.notes") : nameOf(person);
}

/** The conversations, kept current by frames of the user's own room. */
export const conversations = /** @type {Paged<Conversation>} */ (new Paged("/conversations?limit=40"));

/** Fetch a conversation again and move it to the top of the list. */
async function refetch(/** @type {string} */ id) {
  try {
    const one = await get(`/conversations/${id}`);
    conversations.remove(id);
    conversations.put(one);
  } catch (error) {
    if (error.status === 404) conversations.remove(id);
  }
}

function listen() {
  const reload = () => conversations.load();
  const ends = [
    on("conversation:activity", ({ id, n, by }) => {
      const known = conversations.find(id);
      if (known && n > known.lastN) {
        conversations.change(id, { lastN: n, unread: by === me.peek().id ? 0 : n - known.readN });
      }
      refetch(id);
    }),
    on("conversation:read", ({ conversationId, userId, readN }) => {
      const known = conversations.find(conversationId);
      if (known && userId === me.peek().id && readN > known.readN) {
        conversations.change(conversationId, { readN, unread: Math.max(0, known.lastN - readN) });
      }
    }),
    on("message:created", ({ conversationId }) => refetch(conversationId)),
    on("resync", reload),
    on("connected", reload),
  ];
  reload();
  return () => ends.forEach((end) => end());
}

const Row = (/** @type {{one: Conversation, open: boolean}} */ { one, open }) =>
  html`
    <a class=${`conversation ${open ? "open" : ""}`} href=${href(`/messages/${one.id}`)} aria-current=${open
      ? "page"
      : undefined}>
      ${one.kind === "group"
        ? html`<span class="hit round"><${Icon} name="users" /></span>`
        : html`<${Avatar} person=${one.person} />`}
      <span class="what">
        <b>${titleOf(one)}</b>
        <span>${one.lastMessage
          ? `${one.lastMessage.author?.id === me.value.id ? `${t("messages.you")}: ` : ""}${
            one.lastMessage.excerpt || t("messages.file")
          }`
          : t("messages.nothingYet")}</span>
      </span>
      <span class="aside">
        ${unsentIn(one.id).some((message) => !message.waiting) &&
          html`<span class="tag danger">${t("messages.unsent")}</span>`}
        ${one.lastMessage && html`<small class="muted"><${Ago} at=${one.lastMessage.createdAt} /></small>`}
        ${one.unread > 0 && html`
          <span
            class="unread-count"><span aria-hidden="true">${one.unread > 99
              ? "99+"
              : one.unread}</span><span class="visually-hidden">${t("messages.unread", {
                count: one.unread,
              })}</span></span>
        `}
      </span>
    </a>
  `;

/** The form of a new conversation: with one person, or a titled group. */
function Create(/** @type {{onClose: () => void}} */ { onClose }) {
  const [people, setPeople] = useState(/** @type {PersonCard[]} */ ([]));
  const { busy, problem, submit } = useForm(async ({ title }) => {
    const body = people.length > 1
      ? {
        title: title?.trim() || people.map(nameOf).join(", ").slice(0, 100),
        userIds: people.map((one) => one.id),
      }
      : { userId: people[0].id };
    const made = await api("POST", "/conversations", body);
    conversations.put(made);
    onClose();
    go(`/messages/${made.id}`);
  });
  return html`
    <${Dialog} title=${t("messages.new")} onClose=${onClose}>
      <form class="form" onSubmit=${submit}>
        <${PickPerson} label=${t("messages.to")} autofocus without=${new Set(
          people.map((one) => one.id),
        )} onPick=${(person) => setPeople([...people, person])} />
        <div class="wrap">${people.map((one) =>
          html`<span key=${one.id} class="tag">${nameOf(one)}
          <button type="button" class="link" aria-label=${`${t("app.delete")} ${nameOf(one)}`} onClick=${() =>
            setPeople(people.filter((other) => other !== one))}><${Icon} name="x" /></button></span>`
        )}</div>
        ${people.length > 1 &&
          html`<${Field} label=${t("messages.groupTitle")} name="title" maxlength="100" />`}
        <p class="problem" role="alert">${problem?.first}</p>
        <div class="wrap"><button class="primary" disabled=${busy || !people.length}>${t(
          "messages.begin",
        )}</button></div>
      </form>
      <//>
  `;
}

export default function Messages(/** @type {{id?: string}} */ { id }) {
  const [creating, create] = useState(false);
  useEffect(restore, []);
  useEffect(listen, []);
  const notes = async () => {
    try {
      const made = await api("POST", "/conversations", { userId: me.peek().id });
      conversations.put(made);
      go(`/messages/${made.id}`);
    } catch (error) {
      toastError(error);
    }
  };
  const empty = html`<${Empty} icon="message-circle" title=${t("messages.empty")}>${
    t("messages.emptyHint")
  }<//>`;
  return html`
    <div class=${`messages ${id ? "one" : ""}`}>
      <section class="conversations" aria-label=${t("pages.messages")}>
        <${Heading} title=${t("pages.messages")}>
          <button class="icon-button" aria-label=${t("messages.notes")} title=${t("messages.notes")}
            onClick=${notes}><${Icon} name="file-text" /></button>
          <button class="primary" onClick=${() => create(true)}><${Icon} name="plus" /> ${t(
            "messages.new",
          )}</button>
          <//>
          <div class="rows">
            <${PagedList} list=${conversations} empty=${empty}>${(one) =>
              html`<${Row} key=${one.id} one=${one} open=${one.id === id} />`}<//></div>
      </section>
      ${id ? html`<${Thread} key=${id} id=${id} />` : html`
        <div class="wide-only thread-none">
          <${Empty} icon="message-circle" title=${t("messages.choose")}>${t("messages.chooseHint")}<//></div>
      `}
      ${creating && html`<${Create} onClose=${() => create(false)} />`}
    </div>
  `;
}
