/** The form of a message: its text, files, and the message it replies to. */
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { api, may } from "../lib/api.js";
import { say } from "../lib/live.js";
import { useDraft } from "../lib/store.js";
import { Icon, nameOf, toastError } from "../lib/ui.js";
import { t } from "../lib/words.js";
/** @import { Message } from "../lib/types.d.ts" */

const TYPING_MS = 3000;

export function Composer(
  /** @type {{id: string, replyTo: Message | null, onReply: (message: Message | null) => void, send: (body: any) => void}} */ {
    id,
    replyTo,
    onReply,
    send,
  },
) {
  const [text, setText, clear] = useDraft(`message-${id}`);
  const [files, setFiles] = useState(/** @type {any[]} */ ([]));
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const area = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const said = useRef(0);
  useEffect(() => area.current?.focus(), [replyTo]);
  const type = (/** @type {string} */ next) => {
    setText(next);
    if (next && Date.now() - said.current > TYPING_MS) {
      said.current = Date.now();
      say("typing", { conversationId: id });
    }
  };
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!text.trim() && !files.length) return;
    send({ body: text.trim() || undefined, replyToId: replyTo?.id, uploads: files });
    clear();
    setFiles([]);
    onReply(null);
    said.current = 0;
  };
  const attach = async () => {
    for (const file of input.current?.files ?? []) {
      const form = new FormData();
      form.append("file", file);
      try {
        const made = await api("POST", "/uploads", form);
        setFiles((all) => [...all, made]);
      } catch (error) {
        toastError(error);
      }
    }
    input.current.value = "";
  };
  return html`
    <form class="write" onSubmit=${submit}>
      ${replyTo &&
        html`<p class="row quoted"><span>${
          t("messages.replyTo", { name: nameOf(replyTo.author) })
        } <span class="muted">${replyTo.body?.slice(0, 80)}</span></span>
        <button type="button" class="icon-button" aria-label=${t("app.cancel")} onClick=${() =>
          onReply(null)}><${Icon} name="x" /></button></p>`}
      ${files.length > 0 &&
        html`<div class="wrap">${
          files.map((file) =>
            html`<span key=${file.id} class="tag plain"><${Icon} name="paperclip" /> ${file.name}
        <button type="button" class="link" aria-label=${`${t("app.delete")} ${file.name}`} onClick=${() =>
              setFiles(files.filter((one) => one !== file))}><${Icon} name="x" /></button></span>`
          )
        }</div>`}
      <div class="row">
        ${may("upload:create") && html`
          <input ref=${input} type="file" multiple hidden onChange=${attach} aria-label=${t(
            "messages.attach",
          )} />
          <button type="button" class="icon-button" aria-label=${t("messages.attach")}
            onClick=${() => input.current?.click()}><${Icon} name="paperclip" /></button>
        `}
        <textarea ref=${area} rows="1" maxlength="10000" aria-label=${t("messages.write")} placeholder=${t(
          "messages.write",
        )} value=${text} onInput=${(event) => type(event.target.value)}
          onKeyDown=${(event) =>
            event.key === "Enter" && !event.shiftKey && !event.isComposing && submit(event)}></textarea>
        <button class="primary" disabled=${!text.trim() && !files.length} aria-label=${t(
          "post.send",
        )}><${Icon} name="send" /></button>
      </div>
    </form>
  `;
}
