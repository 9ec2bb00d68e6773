/** Messages waiting to be sent: kept across pages and reloads until they are sent or discarded. */
import { signal } from "../vendor/preact.js";
import { api, me, newId } from "../lib/api.js";
import { keepDraft, readDraft } from "../lib/store.js";
import { toastError } from "../lib/ui.js";

/**
 * The fields of a message known before the service answers; `waiting`: it is being sent.
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

/** Show the messages left over from before a reload; they are sent only when the user retries. */
export function restore() {
  if (unsent.peek()) return;
  const kept = /** @type {Unsent[]} */ (JSON.parse(readDraft(NAME) ?? "[]"));
  unsent.value = kept.map((one) => ({ ...one, waiting: false }));
}

/** The unsent messages of a conversation, in the shape that bubbles show. */
export const unsentIn = (/** @type {string} */ conversationId) =>
  (unsent.value ?? []).filter((one) => one.conversationId === conversationId).map((
    one,
  ) => /** @type {any} */ ({ ...one, author: me.value, reactions: [] }));

/** A new message with its own id, so that a retry does not send it twice. */
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

/** Show a message and send it; resolves to the sent message, or on failure shows a toast and resolves to undefined. */
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

/** Discard an unsent message. */
export const discard = (/** @type {string} */ id) => hold(all().filter((one) => one.id !== id));

/** A random UUID; works over plain HTTP, where crypto.randomUUID() is missing. */
function newUuid() {
  const hex = newId();
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${
    hex.slice(20, 32)
  }`;
}
