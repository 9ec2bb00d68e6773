/** A queue of commands to the service, sent one by one. */
const PACE_MS = 62; // the service accepts 20 commands a second: send at most 16

/** @param {(text: string) => void} send */
export function paced(send) {
  /** @type {{event: string, data: any}[]} */
  let queue = [];
  /** Rooms to leave: after all other commands, which need not wait for them. @type {Set<string>} */
  const leaves = new Set();
  /** @type {number | undefined} */
  let pump;

  function clear() {
    clearInterval(pump);
    pump = undefined;
    queue = [];
    leaves.clear();
  }
  function next() {
    const [room] = leaves;
    if (queue.length || room === undefined) return queue.shift();
    leaves.delete(room);
    return { event: "unsubscribe", data: { room } };
  }
  function start() {
    pump ??= setInterval(() => {
      const command = next();
      if (command) send(JSON.stringify(command));
      else clear();
    }, PACE_MS);
  }
  return {
    clear,
    /** Queue a command. */
    say(/** @type {string} */ event, /** @type {any} */ data) {
      queue.push({ event, data });
      start();
    },
    /** Leave a room when nothing else is to be sent. */
    leave(/** @type {string} */ room) {
      leaves.add(room);
      start();
    },
    /** Do not leave a room, after all. */
    stay: (/** @type {string} */ room) => leaves.delete(room),
  };
}
