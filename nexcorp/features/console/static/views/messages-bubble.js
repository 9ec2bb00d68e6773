/** One message: its text, files, reactions and actions. */
import { html, useRef, useState } from "../vendor/preact.js";
import { api, may, me } from "../lib/api.js";
import { Ago, Avatar, Icon, nameOf, onDay, toastError, Words } from "../lib/ui.js";
import { t } from "../lib/words.js";
/** @import { Message } from "../lib/types.d.ts" */

const EMOJI = ["👍", "❤️", "😄", "🎉", "👀", "✅"];
const SAME_MS = 300_000;

const day = (/** @type {string} */ at) => new Date(at).toDateString();

/** Add or remove a reaction, shown at once. */
async function react(
  /** @type {Message} */ message,
  /** @type {string} */ emoji,
  /** @type {(message: any) => void} */ onChange,
) {
  const mine = message.reactions.find((one) => one.emoji === emoji)?.mine ?? false;
  try {
    const { reactions } = await api(
      mine ? "DELETE" : "PUT",
      `/messages/${message.id}/reactions/${encodeURIComponent(emoji)}`,
    );
    onChange({ id: message.id, reactions });
  } catch (error) {
    toastError(error);
  }
}

function Edit(/** @type {any} */ { message, onDone, onChange }) {
  const area = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const save = async (/** @type {Event} */ event) => {
    event.preventDefault();
    try {
      onChange(
        await api("PATCH", `/messages/${message.id}`, {
          body: area.current.value.trim(),
          version: message.version,
        }),
      );
      onDone();
    } catch (error) {
      toastError(error);
    }
  };
  return html`
    <form class="stack" onSubmit=${save}>
      <textarea ref=${area} rows="2" maxlength="10000" aria-label=${t("app.edit")} autofocus
        onKeyDown=${(event) => event.key === "Escape" && onDone()}>${message.body}</textarea>
      <div
        class="wrap"><button class="primary">${t(
          "app.save",
        )}</button><button type="button" class="quiet" onClick=${onDone}>${t("app.cancel")}</button></div>
    </form>
  `;
}

const Files = (/** @type {{files: Message["uploads"]}} */ { files }) =>
  files.map((file) =>
    file.width
      ? html`
        <a key=${file.id} href=${file.url} target="_blank"
          rel="noopener"><img class="picture" src=${file.thumbnailUrl ?? file.url} alt=${file.alt ??
            file.name} width=${file.width} height=${file.height} loading="lazy" /></a>
      `
      : html`
        <a key=${file.id} class="attachment" href=${file.url} target="_blank"
          rel="noopener"><${Icon} name="paperclip" /> ${file.name}</a>
      `
  );

/** A message; messages of one author that follow each other soon share a header. `before`: the message above. */
export function Bubble(
  /** @type {any} */ { message, before, group, seen, onReply, onChange, onRetry, onDiscard },
) {
  const [editing, edit] = useState(false);
  const mine = message.author?.id === me.value.id;
  const newDay = !before || day(before.createdAt) !== day(message.createdAt);
  const head = newDay || before.author?.id !== message.author?.id ||
    Date.parse(message.createdAt) - Date.parse(before.createdAt) > SAME_MS;
  const remove = () =>
    api("DELETE", `/messages/${message.id}`).then(
      () => onChange({ ...message, deleted: true, body: null, uploads: [], reactions: [] }),
      toastError,
    );
  const id = `message-menu-${message.id}`;
  const menu = useRef(/** @type {any} */ (null));
  const run = (/** @type {() => void} */ action) => () => {
    menu.current?.hidePopover();
    action();
  };
  return html`
    ${newDay && html`<p class="day muted"><span>${onDay(message.createdAt)}</span></p>`}
    <article class=${`bubble-row ${mine ? "mine" : ""} ${head ? "head" : ""} ${
      message.waiting ? "waiting" : ""
    }`} data-n=${message.n}>
      ${!mine && html`<span class="who">${head && html`<${Avatar} person=${message.author} small />`}</span>`}
      <div class="bubble">
        ${head && !mine && group && html`<b class="name">${nameOf(message.author)}</b>`}
        ${message.replyTo &&
          html`<blockquote><b>${nameOf(message.replyTo.author)}</b> ${
            message.replyTo.deleted ? t("messages.deleted") : message.replyTo.excerpt
          }</blockquote>`}
        ${message.deleted
          ? html`<i class="muted">${t("messages.deleted")}</i>`
          : editing
          ? html`<${Edit} message=${message} onDone=${() => edit(false)} onChange=${onChange} />`
          : html`${
            message.body && html`
              <p>
                <${Words} text=${message.body} />
              </p>
            `
          }<${Files} files=${message.uploads ?? []} />`}
        <small class="muted"><${Ago} at=${message.createdAt} />${message.editedAt &&
          ` · ${t("messages.edited")}`}${message.waiting && ` · ${t("messages.sending")}`}${seen &&
          ` · ${t("messages.seen")}`}</small>
        ${message.waiting === false &&
          html`
            <span
              class="wrap"><button class="link" onClick=${onRetry}><${Icon} name="refresh-cw" /> ${t(
                "messages.notSent",
              )}</button><button class="link" onClick=${onDiscard}>${t("messages.discard")}</button></span>
          `}
        ${message.reactions?.length > 0 &&
          html`<div class="wrap reactions">${
            message.reactions.map((one) =>
              html`
                <button key=${one.emoji} class=${`chip ${one.mine ? "on" : ""}`} aria-pressed=${one.mine ??
                  false}
                  onClick=${() => react(message, one.emoji, onChange)}>${one.emoji} ${one.count}</button>
              `
            )
          }</div>`}
      </div>
      ${!message.deleted && message.n !== undefined && may("message:create") && html`
        <button class="icon-button act" popovertarget=${id} aria-label=${t("notifications.more")}
          style=${{ anchorName: `--${id}` }}><${Icon} name="more-horizontal" /></button>
        <div id=${id} class="menu anchored" popover ref=${menu} style=${{ positionAnchor: `--${id}` }}>
          <div class="wrap emoji">${EMOJI.map((emoji) =>
            html`<button key=${emoji} class="icon-button" aria-label=${emoji} onClick=${
              run(() => react(message, emoji, onChange))
            }>${emoji}</button>`
          )}</div>
          <button onClick=${run(() => onReply(message))}><${Icon} name="undo" /> ${t("post.reply")}</button>
          ${mine && html`
            <button onClick=${run(() => edit(true))}><${Icon} name="edit" /> ${t(
              "app.edit",
            )}</button><button class="danger"
              onClick=${run(remove)}><${Icon} name="trash" /> ${t("app.delete")}</button>
          `}
        </div>
      `}
    </article>
  `;
}
