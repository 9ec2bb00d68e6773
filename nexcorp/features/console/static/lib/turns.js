/** Changes of one thing in turn: each is based on what the one before it came to. */

/** @type {Map<string, {last: Promise<any>, round: number}>} */
const lines = new Map();

/**
 * Do `work` when all earlier work of this id is done; not at all where one of these was refused meanwhile.
 * `work` is handed a function that says whether nothing waits behind it, and gives undefined where it was refused.
 * @param {string} id
 * @param {(isLast: () => boolean) => Promise<any>} work
 */
export function inTurn(id, work) {
  const line = lines.get(id) ?? { last: Promise.resolve(), round: 0 };
  lines.set(id, line);
  const { round } = line;
  const mine = line.last.then(async () => {
    if (line.round !== round) return undefined;
    const done = await work(() => line.last === mine);
    if (done === undefined) line.round++;
    return done;
  }).finally(() => {
    if (line.last === mine) lines.delete(id);
  });
  line.last = mine;
  return mine;
}

/** Whether a change of this id is on its way: what is shown of it is ahead of what is told. */
export const isChanging = (/** @type {string} */ id) => lines.has(id);
