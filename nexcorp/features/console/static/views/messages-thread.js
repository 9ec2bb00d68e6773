/** A conversation: its messages in order, read receipts, who is typing, and the form to write. */
import { html, useEffect, useLayoutEffect, useRef, useState } from "../vendor/preact.js";
import { api, get, may, me } from "../lib/api.js";
import { follow, on } from "../lib/live.js";
import { href } from "../lib/router.js";
import { Avatar, Heading, Icon, Problem, Skeleton, toastError } from "../lib/ui.js";
import { t } from "../lib/words.js";
import { Bubble } from "./messages-bubble.js";
import { Composer } from "./messages-composer.js";
import { Members } from "./messages-members.js";
import { compose, deliver, discard, unsentIn } from "./messages-unsent.js";
import { conversations, titleOf } from "./messages.js";
/** @import { Unsent } from "./messages-unsent.js" */
/** @import { Conversation, Message } from "../lib/types.d.ts" */

const PAGE = 50;
const SHOWN_MS = 6000, READ_MS = 1000;

/** Merge messages, ordered by number; of two copies the one with the higher version wins. */
function merge(/** @type {Message[]} */ known, /** @type {Message[]} */ added) {
  const byId = new Map(known.map((one) => [one.id, one]));
  for (const one of added) {
    const before = byId.get(one.id);
    if (!before || one.version >= before.version) byId.set(one.id, { ...before, ...one });
  }
  return [...byId.values()].sort((a, b) => a.n - b.n);
}

/** Apply a frame of the room to the messages. */
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

/** The reactions from a frame; a frame does not mark the reader's own, so carry these over. */
function mineOf(/** @type {Message} */ message, /** @type {any} */ { reactions, emoji, userId, added }) {
  const mine = new Set(message.reactions.filter((one) => one.mine).map((one) => one.emoji));
  if (userId === me.peek().id) mine[added ? "add" : "delete"](emoji);
  return (reactions ?? message.reactions).map((one) => ({ ...one, mine: mine.has(one.emoji) }));
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
      setMessages(page.data);
      setHasOlder(page.hasOlder);
    } catch (error) {
      setProblem(error);
    }
  };
  useEffect(() => {
    const leave = follow(`conversation:${id}`, load, (event, data) => {
      if (event === "conversation:updated") {
        setOne((now) =>
          now && { ...now, title: data.title, memberCount: data.memberCount, version: data.version }
        );
      } else if (event === "conversation:deleted") setProblem({ status: 404, message: t("app.goneHint") });
      else {
        if (event === "message:created") setTyping(({ [data.author?.id]: _, ...others }) => others);
        setMessages((known) => apply(known, event, data));
      }
    });
    // These events have no sequence number: missed ones are not sent again.
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

  const known = new Set(messages.map((message) => message.id)), unsent = unsentIn(id);
  const waiting = unsent.filter((message) => !known.has(message.id));
  // The message was sent, but its answer was lost.
  const sent = unsent.find((message) => !message.waiting && known.has(message.id));
  useEffect(() => sent && discard(sent.id), [sent?.id]);
  // Keep the end in view, unless the reader has scrolled up to older messages.
  useLayoutEffect(() => {
    if (atEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [messages.length, waiting.length, waiting.some((message) => message.waiting), one === null]);
  const lastN = messages.reduce((most, message) => Math.max(most, message.n ?? 0), 0);
  useEffect(() => {
    if (!one || lastN <= readN.current) return;
    // What a hidden tab received is read once the user looks at it.
    const look = () => {
      clearTimeout(readSoon.current);
      if (document.hidden || lastN <= readN.current) return;
      readSoon.current = setTimeout(() => {
        readN.current = lastN;
        conversations.change(id, { readN: lastN, unread: 0 });
        api("PUT", `/conversations/${id}/read`, { n: lastN }).catch(() => {});
      }, READ_MS);
    };
    look();
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, [lastN, one]);

  const older = async () => {
    const first = messages[0]?.n, height = box.current.scrollHeight;
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
  const send = async (/** @type {Unsent} */ message) => {
    atEnd.current = true;
    const made = await deliver(message);
    if (made) setMessages((known) => merge(known, [made]));
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
  const all = [...messages, ...waiting];
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
        ${all.map((message, at) =>
          html`
            <${Bubble} key=${message.id} message=${message} before=${all[at - 1]} group=${one.kind ===
              "group"} seen=${message.author?.id === me.value.id && message.n <= seenN &&
              !(all[at + 1]?.n <= seenN)}
              onReply=${setReplyTo} onChange=${change}
              onRetry=${() => send(message)} onDiscard=${() => discard(message.id)} />
          `
        )}
        ${all.length === 0 && html`<p class="muted empty">${t("messages.first")}</p>`}
      </div>
      <p class="typing muted" role="status">${typists > 0 && t("messages.typing", { count: typists })}</p>
      ${may("message:create") &&
        html`<${Composer} id=${id} replyTo=${replyTo} onReply=${setReplyTo} send=${(body) =>
          send(compose(id, body))} />`}
      ${aside &&
        html`<${Members} one=${one} onClose=${() => setAside(false)} onChange=${(next) =>
          setOne({ ...one, ...next })} />`}
    </section>
  `;
}
