/** Hidden tabs at rest: all of them but one, which holds a lock. If that tab is closed or shown, another one takes over. */
const LOCK = "nexcorp-live";

/**
 * Rest, unless this tab gets the lock; with the lock stay connected until this tab is shown.
 * @param {AbortSignal} shown aborted when this tab is shown
 * @param {() => void} rest called when this tab is to rest
 * @param {() => void} wake called when this tab takes over
 */
export async function doze(shown, rest, wake) {
  const hold = () =>
    shown.aborted || new Promise((done) => shown.addEventListener("abort", done, { once: true }));
  await navigator.locks?.request(LOCK, { ifAvailable: true }, (lock) => {
    if (lock) return hold();
    if (shown.aborted) return;
    rest();
    const takeOver = () => {
      wake();
      return hold();
    };
    // Rejected if this tab is shown first.
    navigator.locks.request(LOCK, { signal: shown }, takeOver).catch(() => {});
  });
}
