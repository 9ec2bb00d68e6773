/** A conversation: its messages in order, who has read them, who is typing, and a place to write. */
import { html, useEffect, useLayoutEffect, useRef, useState } from "../vendor/preact.js";
import { api, get, may, me, newId } from "../lib/api.js";
import { enter, on, say } from "../lib/live.js";
import { href } from "../lib/router.js";
import { useDraft } from "../lib/store.js";
import { Avatar, Heading, Icon, nameOf, Problem, Skeleton, toastError } from "../lib/ui.js";
import { t } from "../lib/words.js";
import { Bubble } from "./messages-bubble.js";
import { Members } from "./messages-members.js";
import { conversations, titleOf } from "./messages.js";
/** @import { Conversation, Message, Person } from "../lib/types.d.ts" */

const PAGE = 50;
const TYPING_MS = 3000, SHOWN_MS = 6000, READ_MS = 1000;

/** Messages by number: of two readings of one the higher version is right. */
function merge(/** @type {Message[]} */ known, /** @type {Message[]} */ added) {
  const byN = new Map(known.map((one) => [one.id, one]));
  for (const one of added) {
    const before = byN.get(one.id);
    if (!before || before.n === undefined || one.version >= before.version) {
      byN.set(one.id, { ...before, ...one });
    }
  }
  return [...byN.values()].sort((a, b) => (a.n ?? Infinity) - (b.n ?? Infinity));
}

/** What a frame of the room makes of the messages. */
function apply(/** @type {Message[]} */ known, /** @type {string} */ event, /** @type {any} */ data) {
  switch (event) {
    case "message:created":
    case "message:updated":
      return merge(known, [data]);
    case "message:deleted":
      return known.map((one) =>
        one.id === data.id ? { ...one, deleted: true, body: null, uploads: [], reactions: [] } : one
      );
    case "message:reaction":
      return known.map((one) => one.id === data.id ? { ...one, reactions: mineOf(one, data) } : one);
    default:
      return known;
  }
}

/** Frames say whose each reaction was; which are one's own is kept. */
function mineOf(/** @type {Message} */ message, /** @type {any} */ { reactions, emoji, userId, added }) {
  const mine = new Set(message.reactions.filter((one) => one.mine).map((one) => one.emoji));
  if (userId === me.peek().id) mine[added ? "add" : "delete"](emoji);
  return (reactions ?? message.reactions).map((one) => ({ ...one, mine: mine.has(one.emoji) }));
}

function Composer(
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

export function Thread(/** @type {{id: string}} */ { id }) {
  const [one, setOne] = useState(/** @type {Conversation | null} */ (null));
  const [messages, setMessages] = useState(/** @type {Message[]} */ ([]));
  const [hasOlder, setHasOlder] = useState(false);
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  const [typing, setTyping] = useState(/** @type {Record<string, number>} */ ({}));
  const [reads, setReads] = useState(/** @type {Record<string, number>} */ ({}));
  const [replyTo, setReplyTo] = useState(/** @type {Message | null} */ (null));
  const [aside, setAside] = useState(false);
  const [tries, setTries] = useState(0);
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const atEnd = useRef(true), readSoon = useRef(0), readN = useRef(0);

  const load = async () => {
    setProblem(null);
    try {
      const [shown, page] = await Promise.all([
        get(`/conversations/${id}`),
        get(`/conversations/${id}/messages?limit=${PAGE}`),
      ]);
      readN.current = shown.readN;
      setOne(shown);
      setMessages((known) => merge(known.filter((message) => message.n === undefined), page.data));
      setHasOlder(page.hasOlder);
    } catch (error) {
      setProblem(error);
    }
  };
  useEffect(() => {
    const leave = enter(`conversation:${id}`, (event, data) => {
      if (event === "conversation:updated") {
        setOne((now) =>
          now && { ...now, title: data.title, memberCount: data.memberCount, version: data.version }
        );
      } else if (event === "conversation:deleted") setProblem({ status: 404, message: t("app.goneHint") });
      else {
        if (event === "message:created") setTyping(({ [data.author?.id]: _, ...others }) => others);
        setMessages((known) => apply(known, event, data));
      }
    }, load);
    // These are no frames of the room: nothing is kept of them.
    const ends = [
      on("typing", ({ conversationId, userId }) => {
        if (conversationId !== id || userId === me.peek().id) return;
        setTyping((now) => ({ ...now, [userId]: Date.now() + SHOWN_MS }));
      }),
      on("conversation:read", ({ conversationId, userId, readN: n }) => {
        if (conversationId !== id) return;
        setReads((now) => ({ ...now, [userId]: Math.max(now[userId] ?? 0, n) }));
      }),
    ];
    load();
    const tick = setInterval(
      () =>
        setTyping((now) => Object.fromEntries(Object.entries(now).filter(([, until]) => until > Date.now()))),
      1000,
    );
    return () => {
      [leave, ...ends].forEach((end) => end());
      clearInterval(tick);
      clearTimeout(readSoon.current);
    };
  }, [id, tries]);

  // The end stays in sight for whoever is there; whoever reads older ones is not moved.
  useLayoutEffect(() => {
    if (atEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [messages.length, one === null]);
  const lastN = messages.reduce((most, message) => Math.max(most, message.n ?? 0), 0);
  useEffect(() => {
    if (!one || lastN <= readN.current || document.hidden) return;
    clearTimeout(readSoon.current);
    readSoon.current = setTimeout(() => {
      readN.current = lastN;
      conversations.change(id, { readN: lastN, unread: 0 });
      api("PUT", `/conversations/${id}/read`, { n: lastN }).catch(() => {});
    }, READ_MS);
  }, [lastN, one]);

  const older = async () => {
    const first = messages.find((message) => message.n !== undefined)?.n, height = box.current.scrollHeight;
    try {
      const page = await get(`/conversations/${id}/messages?limit=${PAGE}&before=${first}`);
      atEnd.current = false;
      setMessages((known) => merge(known, page.data));
      setHasOlder(page.hasOlder);
      requestAnimationFrame(() => box.current.scrollTop += box.current.scrollHeight - height);
    } catch (error) {
      toastError(error);
    }
  };
  /** Shown at once; sent under an id of its own, so that a retry sends nothing twice. */
  const send = async (/** @type {any} */ { body, replyToId, uploads }, messageId = newUuid()) => {
    const now = new Date().toISOString();
    atEnd.current = true;
    const shown = /** @type {any} */ ({
      id: messageId,
      conversationId: id,
      author: me.peek(),
      body: body ?? null,
      uploads,
      reactions: [],
      deleted: false,
      version: 0,
      createdAt: now,
      replyTo: null,
      waiting: true,
    });
    setMessages((known) => [...known.filter((message) => message.id !== messageId), shown]);
    try {
      const made = await api("POST", `/conversations/${id}/messages`, {
        id: messageId,
        body,
        replyToId,
        uploadIds: uploads.map((file) => file.id),
      });
      setMessages((known) => merge(known, [{ ...made, waiting: false }]));
    } catch (error) {
      toastError(error);
      setMessages((known) =>
        known.map((message) =>
          message.id === messageId && message.n === undefined
            ? { ...message, waiting: false, retry: () => send({ body, replyToId, uploads }, messageId) }
            : message
        )
      );
    }
  };
  const change = (/** @type {Message} */ message) =>
    setMessages((known) => known.map((other) => other.id === message.id ? { ...other, ...message } : other));

  if (problem) {
    return html`
      <section class="thread-pane">
        <${Heading} title=${t("pages.messages")} hidden />
        <${Problem} error=${problem} retry=${() => setTries(tries + 1)} />
      </section>
    `;
  }
  if (!one) {
    return html`
      <section class="thread-pane">
        <${Skeleton} />
      </section>
    `;
  }
  const typists = Object.keys(typing).length;
  const others = Object.entries(reads).filter(([userId]) => userId !== me.value.id);
  const seenN = others.length ? Math.max(...others.map(([, n]) => n)) : 0;
  return html`
    <section class="thread-pane" aria-label=${titleOf(one)}>
      <header class="row">
        <a class="button quiet narrow-only" href=${href("/messages")} aria-label=${t(
          "messages.back",
        )}><${Icon} name="chevron-left" /></a>
        ${one.kind === "direct" && html`<${Avatar} person=${one.person} small />`}
        <h2 class="grow">${titleOf(one)} ${one.kind === "group" &&
          html`<small class="muted">${t("messages.members", { count: one.memberCount })}</small>`}</h2>
        <button class="icon-button" aria-label=${t("messages.about")} aria-expanded=${aside} onClick=${() =>
          setAside(true)}><${Icon} name="info" /></button>
      </header>
      <div class="bubbles" ref=${box} tabindex="0" role="log" aria-label=${t("pages.messages")}
        onScroll=${() =>
          atEnd.current = box.current.scrollHeight - box.current.scrollTop - box.current.clientHeight < 40}>
        ${hasOlder && html`<button class="quiet more" onClick=${older}>${t("messages.older")}</button>`}
        ${messages.map((message, at) =>
          html`
            <${Bubble} key=${message
              .id} message=${message} before=${messages[at - 1]} group=${one.kind === "group"}
              seen=${message.author?.id === me.value.id && message.n !== undefined && message.n <= seenN &&
                !(messages[at + 1]?.n <= seenN)} onReply=${setReplyTo} onChange=${change} />
          `
        )}
        ${messages.length === 0 && html`<p class="muted empty">${t("messages.first")}</p>`}
      </div>
      <p class="typing muted" role="status">${typists > 0 && t("messages.typing", { count: typists })}</p>
      ${may("message:create") &&
        html`<${Composer} id=${id} replyTo=${replyTo} onReply=${setReplyTo} send=${send} />`}
      ${aside &&
        html`<${Members} one=${one} onClose=${() => setAside(false)} onChange=${(next) =>
          setOne({ ...one, ...next })} />`}
    </section>
  `;
}

/** A random UUID, also over plain HTTP. */
function newUuid() {
  const hex = newId();
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${
    hex.slice(20, 32)
  }`;
}
