/** A queue of commands to the service, sent one by one. */
const PACE_MS = 62; // the service accepts 20 commands a second: send at most 16

/** @typedef {{event: string, data: any}} Command */

/**
 * @param {(text: string) => void} send
 * @param {() => Command | undefined | ""} spare called for a command when the queue is empty
 */
export function paced(send, spare) {
  /** @type {Command[]} */
  let queue = [];
  /** @type {number | undefined} */
  let pump;
  function clear() {
    clearInterval(pump);
    pump = undefined;
    queue = [];
  }
  function start() {
    pump ??= setInterval(() => {
      const next = queue.shift() || spare();
      if (next) send(JSON.stringify(next));
      else clear();
    }, PACE_MS);
  }
  function add(/** @type {string} */ event, /** @type {any} */ data) {
    queue.push({ event, data });
    start();
  }
  return { add, start, clear };
}
