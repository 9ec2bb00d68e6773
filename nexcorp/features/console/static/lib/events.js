/** Server-sent events over fetch, with the session's token: EventSource cannot send one. */
import { api } from "./api.js";

/**
 * Call `on` for each event of a stream until it ends; resolves to true if the last event was `end`.
 * @param {string} method
 * @param {string} path below /api/v1
 * @param {any} body
 * @param {AbortSignal} signal
 * @param {(event: string, data: any, id: string) => void} on
 */
export async function readEvents(method, path, body, signal, on) {
  const answer = await api(method, path, body, {
    headers: { Accept: "text/event-stream" },
    signal,
    raw: true,
  });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "", ended = false;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return ended;
    held += value;
    const parts = held.split(/\r?\n\r?\n/);
    held = parts.pop() ?? "";
    for (const part of parts) {
      const fields = Object.fromEntries(
        part.split(/\r?\n/).filter((line) => !line.startsWith(":")).map((
          line,
        ) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trimStart()]),
      );
      if (!fields.data) continue;
      ended ||= fields.event === "end";
      on(fields.event ?? "message", JSON.parse(fields.data), fields.id ?? "");
    }
  }
}
