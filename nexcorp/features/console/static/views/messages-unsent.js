/** Messages that are not sent yet: kept until they are, or are thrown away, over other pages and a reload, too. */
import { signal } from "../vendor/preact.js";
import { api, me, newId } from "../lib/api.js";
import { keepDraft, readDraft } from "../lib/store.js";
import { toastError } from "../lib/ui.js";

/**
 * What a bubble shows of a message, as far as it is known ahead of the service's answer; `waiting`: it is being sent.
 * @typedef {{id: string, conversationId: string, body?: string, replyToId?: string, uploads: any[], createdAt: string,
 *   waiting: boolean, n?: undefined}} Unsent
 */

const NAME = "unsent";
/** @type {import("../vendor/preact.js").Signal<Unsent[] | null>} */
const unsent = signal(null);

const all = () => unsent.peek() ?? [];

function hold(/** @type {Unsent[]} */ messages) {
  unsent.value = messages;
  keepDraft(NAME, messages.length ? JSON.stringify(messages) : "");
}

/** Show those that a reload left over; nobody sends them any more. */
export function restore() {
  if (unsent.peek()) return;
  const kept = /** @type {Unsent[]} */ (JSON.parse(readDraft(NAME) ?? "[]"));
  unsent.value = kept.map((one) => ({ ...one, waiting: false }));
}

/** Those of one conversation, as its bubbles show them. */
export const unsentIn = (/** @type {string} */ conversationId) =>
  (unsent.value ?? []).filter((one) => one.conversationId === conversationId).map((
    one,
  ) => /** @type {any} */ ({ ...one, author: me.value, reactions: [] }));

/** A message to be sent, under an id of its own: a retry sends nothing twice. */
export const compose = (
  /** @type {string} */ conversationId,
  /** @type {{body?: string, replyToId?: string, uploads: any[]}} */ { body, replyToId, uploads },
) => ({
  id: newUuid(),
  conversationId,
  body,
  replyToId,
  uploads,
  createdAt: new Date().toISOString(),
  waiting: true,
});

/** Show it and send it; gives the message as it was sent, nothing where it was not, which a toast tells. */
export async function deliver(/** @type {Unsent} */ message) {
  const { id, conversationId, body, replyToId, uploads, createdAt } = message;
  const kept = { id, conversationId, body, replyToId, uploads, createdAt };
  hold([...all().filter((one) => one.id !== id), { ...kept, waiting: true }]);
  try {
    const made = await api("POST", `/conversations/${conversationId}/messages`, {
      id,
      body,
      replyToId,
      uploadIds: uploads.map((file) => file.id),
    });
    discard(id);
    return made;
  } catch (error) {
    toastError(error);
    hold(all().map((one) => one.id === id ? { ...one, waiting: false } : one));
  }
}

/** Throw one away. */
export const discard = (/** @type {string} */ id) => hold(all().filter((one) => one.id !== id));

/** A random UUID, also over plain HTTP. */
function newUuid() {
  const hex = newId();
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${
    hex.slice(20, 32)
  }`;
}
