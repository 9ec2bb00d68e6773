/** One chat: the questions and answers of a branch, streamed as they are written; stop, edit, ask again. */
import { html, useEffect, useLayoutEffect, useRef, useState } from "../vendor/preact.js";
import { api, get } from "../lib/api.js";
import { readEvents } from "../lib/events.js";
import { href } from "../lib/router.js";
import { useDraft } from "../lib/store.js";
import { Icon, Problem, Skeleton, toast, toastError } from "../lib/ui.js";
import { has, t } from "../lib/words.js";
import { chats } from "./assistant.js";
import { Markdown } from "./markdown.js";
/** @import { Chat as Shown, ChatMessage } from "../lib/types.d.ts" */

const AGAIN_MS = 1000, TRIES = 30;
const growing = (/** @type {ChatMessage} */ { status }) => status === "queued" || status === "running";

/** Explain why an answer is incomplete; an unknown reason is shown as its code. */
function explain(/** @type {ChatMessage} */ { status, reason }) {
  const code = (reason ?? "").split(":")[0];
  if (code && has(`assistant.reasons.${code}`)) return t(`assistant.reasons.${code}`);
  return `${t(`assistant.status.${status}`)}${reason ? ` (${reason})` : ""}`;
}

/** Show why a question was refused. */
const refuse = (/** @type {any} */ error) =>
  has(`assistant.reasons.${error?.code}`)
    ? toast(t(`assistant.reasons.${error.code}`), "error")
    : toastError(error);

function Question(/** @type {any} */ { message, busy, onEdit }) {
  const [editing, edit] = useState(false);
  const area = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  if (!editing) {
    return html`<div class="question"><p>${message.body}</p>
      ${
      !busy && html`<button class="icon-button" aria-label=${t("assistant.edit")} onClick=${() =>
        edit(true)}><${Icon} name="edit" /></button>`
    }</div>`;
  }
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (await onEdit(area.current.value.trim())) edit(false);
  };
  return html`
    <form class="stack" onSubmit=${submit}>
      <textarea ref=${area} rows="3" autofocus aria-label=${t("assistant.edit")}>${message.body}</textarea>
      <div
        class="wrap"><button class="primary">${t(
          "assistant.ask",
        )}</button><button type="button" class="quiet" onClick=${() => edit(false)}>${t(
          "app.cancel",
        )}</button></div>
    </form>
  `;
}

/** Move between the messages that share a parent: edits of a question, or further answers. */
function Siblings(/** @type {{message: ChatMessage, onShow: (id: string) => void}} */ { message, onShow }) {
  const all = message.siblings ?? [], at = all.indexOf(message.id);
  if (all.length < 2) return null;
  return html`
    <span
      class="siblings"><button class="icon-button" disabled=${at === 0} aria-label=${t(
        "assistant.previous",
      )} onClick=${() => onShow(all[at - 1])}><${Icon} name="chevron-left" /></button>
      ${at + 1}/${all.length}<button class="icon-button" disabled=${at === all.length - 1} aria-label=${t(
        "assistant.next",
      )} onClick=${() => onShow(all[at + 1])}><${Icon} name="chevron-right" /></button></span>
  `;
}

function Answer(/** @type {any} */ { message, busy, onStop, onAgain, onShow }) {
  const grows = growing(message);
  return html`
    <div class="answer" aria-busy=${grows}>
      ${message.body
        ? html`<${Markdown} text=${message.body} />`
        : grows && html`<p class="muted">${t("assistant.thinking")}</p>`}
      ${!grows && message.status !== "done" && html`<p class="problem">${explain(message)}</p>`}
      <div class="wrap">
        ${grows && html`<button onClick=${onStop}><${Icon} name="square" /> ${t("assistant.stop")}</button>`}
        ${!grows && !busy &&
          html`<button class="quiet" onClick=${onAgain}><${Icon} name="refresh-cw" /> ${
            t("assistant.again")
          }</button>`}
        <${Siblings} message=${message} onShow=${onShow} />
        ${message.context?.some((one) => one.fileId) &&
          html`<small class="muted">${t("assistant.sources")} ${
            [...new Set(message.context.map((one) => one.fileId).filter(Boolean))].map((fileId, at) =>
              html`
                <a key=${fileId} href=${href(`/files/${fileId}`)}>${at + 1}</a>
                ${message.context.some((one) => one.isCut && one.fileId === fileId) &&
                  `(${t("assistant.inPart")})`}
              `
            )
          }</small>`}
      </div>
    </div>
  `;
}

export function Chat(/** @type {{id: string, onDelete: () => void}} */ { id, onDelete }) {
  const [chat, setChat] = useState(/** @type {Shown | null} */ (null));
  const [messages, setMessages] = useState(/** @type {ChatMessage[]} */ ([]));
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  const [text, setText, clear] = useDraft(`chat-${id}`);
  const [search, setSearch] = useState(true);
  const asking = useRef(false);
  const reading = useRef(/** @type {AbortController | null} */ (null));
  const box = useRef(/** @type {HTMLElement | null} */ (null)), atEnd = useRef(true);
  const path = `/ai/chats/${id}/messages`;

  const change = (
    /** @type {string} */ messageId,
    /** @type {(message: ChatMessage) => Partial<ChatMessage>} */ patch,
  ) => setMessages((known) => known.map((one) => one.id === messageId ? { ...one, ...patch(one) } : one));

  /** Apply a stream event to an answer; its offsets count code points, not UTF-16 units. */
  const take =
    (/** @type {string} */ answerId) =>
    (/** @type {string} */ event, /** @type {any} */ data, /** @type {string} */ position) => {
      if (event === "delta") {
        change(
          answerId,
          (one) => ({
            status: "running",
            position,
            body: ([...one.body].length === data.offset
              ? one.body
              : [...one.body].slice(0, data.offset).join("")) + data.text,
          }),
        );
      } else if (event === "restarted") change(answerId, () => ({ body: "", position: `${data.attempt}.0` }));
      else if (event === "end") change(answerId, () => ({ status: data.status, reason: data.reason }));
    };

  /** Stream an answer until it ends, reconnecting after breaks. */
  const followAnswer = async (/** @type {ChatMessage} */ answer) => {
    reading.current?.abort();
    const mine = reading.current = new AbortController();
    let position = answer.position ?? "0.0";
    const on = take(answer.id);
    for (let tries = 0; tries < TRIES && !mine.signal.aborted; tries++) {
      try {
        const ended = await readEvents(
          "GET",
          `${path}/${answer.id}/stream?after=${position}`,
          undefined,
          mine.signal,
          (event, data, at) => {
            tries = 0;
            if (at) position = at;
            on(event, data, at);
          },
        );
        if (ended) return;
      } catch (error) {
        if (mine.signal.aborted) return;
        if (error.status >= 400 && error.status < 500 && error.status !== 429) return toastError(error);
      }
      await new Promise((done) => setTimeout(done, AGAIN_MS));
    }
  };

  const load = async (/** @type {string | undefined} */ leaf = undefined) => {
    setProblem(null);
    try {
      const [shown, page] = await Promise.all([
        get(`/ai/chats/${id}`),
        get(`${path}?limit=100${leaf ? `&leaf=${leaf}` : ""}`),
      ]);
      setChat(shown);
      setMessages(page.data);
      const last = page.data.at(-1);
      if (last && growing(last)) followAnswer(last);
    } catch (error) {
      setProblem(error);
    }
  };
  useEffect(() => {
    load();
    return () => reading.current?.abort();
  }, [id]);
  useLayoutEffect(() => {
    if (atEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [messages]);

  /** Ask a question below a message, as a new branch if it has replies. Resolves to whether it was accepted. */
  const ask = async (
    /** @type {string} */ content,
    /** @type {string | null | undefined} */ parentId = undefined,
  ) => {
    if (!content || asking.current) return false;
    asking.current = true;
    atEnd.current = true;
    try {
      const body = {
        content,
        ...(parentId === undefined ? {} : { parentId }),
        ...(chat.project ? { search } : {}),
      };
      const { message, answer } = await api("POST", path, body);
      clear(content);
      setMessages((
        known,
      ) => [
        ...known.slice(
          0,
          message.parentId === null ? 0 : known.findIndex((one) => one.id === message.parentId) + 1,
        ),
        message,
        answer,
      ]);
      followAnswer(answer);
      return true;
    } catch (error) {
      refuse(error);
      return false;
    } finally {
      asking.current = false;
    }
  };
  const again = async (/** @type {ChatMessage} */ old) => {
    try {
      const { answer } = await api("POST", `${path}/${old.id}/regenerate`);
      setMessages((known) => [...known.slice(0, known.findIndex((one) => one.id === old.id)), answer]);
      followAnswer(answer);
    } catch (error) {
      refuse(error);
    }
  };
  const stop = (/** @type {ChatMessage} */ answer) =>
    api("POST", `${path}/${answer.id}/cancel`).catch(toastError);

  if (problem) {
    return html`
      <section class="thread-pane">
        <${Problem} error=${problem} retry=${load} />
      </section>
    `;
  }
  if (!chat) {
    return html`
      <section class="thread-pane">
        <${Skeleton} />
      </section>
    `;
  }
  const title = chats.find(id)?.title ?? chat.title ?? t("assistant.untitled");
  chats.items.value; // subscribes to the list: a chat gets its title with its first question
  const busy = messages.some(growing);
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!busy) ask(text.trim(), messages.length ? messages.at(-1).id : undefined);
  };
  return html`
    <section class="thread-pane" aria-label=${title}>
      <header class="row">
        <a class="button quiet narrow-only" href=${href("/assistant")}
          aria-label=${t("assistant.back")}><${Icon} name="chevron-left" /></a>
        <h2 class="grow">${title} ${chat.project &&
          html`<small class="muted">${chat.project.name}</small>`}</h2>
        <button class="icon-button" aria-label=${t("assistant.delete")}
          onClick=${onDelete}><${Icon} name="trash" /></button>
      </header>
      <div class="bubbles chat" ref=${box} tabindex="0" role="log" aria-label=${t("pages.assistant")}
        onScroll=${() =>
          atEnd.current = box.current.scrollHeight - box.current.scrollTop - box.current.clientHeight < 40}>
        ${messages.map((message) =>
          message.role === "user"
            ? html`
              <div key=${message.id}>
                <${Question} message=${message} busy=${busy} onEdit=${(content) =>
                  ask(content, message.parentId)} />
                <${Siblings} message=${message} onShow=${load} />
              </div>
            `
            : html`
              <${Answer} key=${message.id} message=${message} busy=${busy} onStop=${() =>
                stop(message)} onAgain=${() => again(message)}
                onShow=${load} />
            `
        )}
        ${!messages.length && html`<p class="muted empty">${t("assistant.first")}</p>`}
      </div>
      <form class="write" onSubmit=${submit}>
        ${chat.project &&
          html`<label class="check"><input type="checkbox" checked=${search} onChange=${(event) =>
            setSearch(event.target.checked)} /> ${
            t("assistant.search", { name: chat.project.name })
          }</label>`}
        <div class="row"><textarea rows="1" maxlength="100000" aria-label=${t(
          "assistant.question",
        )} placeholder=${t("assistant.question")} value=${text} onInput=${(event) =>
          setText(event.target.value)}
            onKeyDown=${(event) =>
              event.key === "Enter" && !event.shiftKey && !event.isComposing && submit(event)}></textarea>
          <button class="primary" disabled=${busy || !text.trim()} aria-label=${t(
            "assistant.ask",
          )}><${Icon} name="send" /></button></div>
        <small class="muted">${t("assistant.honest")}</small>
      </form>
    </section>
  `;
}
