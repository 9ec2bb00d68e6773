/** Run changes to one entity in turn: each builds on the result of the one before. */

/** @type {Map<string, {last: Promise<any>, round: number}>} */
const lines = new Map();

/**
 * Run `work` after all earlier work for this id; skip it if one of these was refused meanwhile.
 * `work` is given a function that tells whether it is the last in line, and resolves to undefined if it was refused.
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

/** Whether changes to this id are under way: the view is then ahead of the frames. */
export const isChanging = (/** @type {string} */ id) => lines.has(id);
