/** The assistant: chats on the left, the open one beside them. */
import { html, useEffect, useState } from "../vendor/preact.js";
import { api } from "../lib/api.js";
import { on } from "../lib/live.js";
import { go, href } from "../lib/router.js";
import { Paged } from "../lib/store.js";
import { Ago, Dialog, Empty, Field, Heading, Icon, PagedList, toastError, useForm } from "../lib/ui.js";
import { t } from "../lib/words.js";
import { Chat } from "./assistant-chat.js";
/** @import { Chat as Shown } from "../lib/types.d.ts" */

export const chats = /** @type {Paged<Shown>} */ (new Paged("/ai/chats?limit=40"));

/** The form of a new chat; it can answer from the files of a project. */
function Create(/** @type {{onClose: () => void}} */ { onClose }) {
  const [projects] = useState(() => new Paged("/projects?limit=100"));
  useEffect(() => {
    projects.load();
  }, []);
  const { busy, problem, submit } = useForm(async ({ projectId }) => {
    const made = await api("POST", "/ai/chats", { projectId: projectId || null });
    chats.put(made);
    onClose();
    go(`/assistant/${made.id}`);
  });
  return html`
    <${Dialog} title=${t("assistant.new")} onClose=${onClose}>
      <form class="form" onSubmit=${submit}>
        <${Field} label=${t("assistant.project")} hint=${t("assistant.projectHint")}>
          <select name="projectId"><option value="">${t("assistant.noProject")}</option>
            ${projects.items.value?.map((one) =>
              html`<option key=${one.id} value=${one.id}>${one.name}</option>`
            )}</select>
          <//>
          <p class="problem" role="alert">${problem?.first}</p>
          <div><button class="primary" disabled=${busy}>${t("assistant.begin")}</button></div>
          </form>
          <//>
  `;
}

const Row = (/** @type {{one: Shown, open: boolean}} */ { one, open }) =>
  html`
    <a class=${`conversation ${open ? "open" : ""}`} href=${href(`/assistant/${one.id}`)} aria-current=${open
      ? "page"
      : undefined}>
      <span class="what"><b>${one.title ?? t("assistant.untitled")}</b>
        <span>${one.project?.name}</span></span>
      <span class="aside"><small class="muted"><${Ago} at=${one.updatedAt} /></small>${one.isAnswering &&
        html`<span class="tag">${t("assistant.answering")}</span>`}</span>
    </a>
  `;

export default function Assistant(/** @type {{id?: string}} */ { id }) {
  const [creating, create] = useState(false);
  useEffect(() => {
    const reload = () => chats.load();
    const ends = [
      on("ai-chat:created", (chat) => chats.put(chat)),
      on("ai-chat:updated", (chat) => chats.find(chat.id) && chats.change(chat.id, chat)),
      on(
        "ai-answer:ended",
        (chat) => chats.find(chat.id) && chats.change(chat.id, { isAnswering: chat.isAnswering ?? false }),
      ),
      on("ai-chat:deleted", ({ id: gone }) => chats.remove(gone)),
      on("lost", reload),
    ];
    reload();
    return () => ends.forEach((end) => end());
  }, []);
  const remove = async () => {
    try {
      await api("DELETE", `/ai/chats/${id}`);
      chats.remove(id);
      go("/assistant");
    } catch (error) {
      toastError(error);
    }
  };
  const empty = html`<${Empty} icon="bot" title=${t("assistant.empty")}>${t("assistant.emptyHint")}<//>`;
  return html`
    <div class=${`assistant ${id ? "one" : ""}`}>
      <section class="conversations" aria-label=${t("pages.assistant")}>
        <${Heading}
          title=${t("pages.assistant")}><button class="primary" onClick=${() =>
            create(true)}><${Icon} name="plus" /> ${t("assistant.new")}</button><//>
        <div class="rows"><${PagedList} list=${chats} empty=${empty}>${(one) =>
          html`<${Row} key=${one.id} one=${one} open=${one.id === id} />`}<//></div>
      </section>
      ${id ? html`<${Chat} key=${id} id=${id} onDelete=${remove} />` : html`
        <div class="wide-only thread-none">
          <${Empty} icon="sparkles" title=${t("assistant.choose")}>${t("assistant.chooseHint")}<//></div>
      `}
      ${creating && html`<${Create} onClose=${() => create(false)} />`}
    </div>
  `;
}
