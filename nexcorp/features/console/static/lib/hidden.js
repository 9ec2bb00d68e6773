/**
 * When hidden tabs rest: after five minutes all of them do but one, which holds a lock. If that tab is closed or shown,
 * another one takes over.
 */
const HIDDEN_MS = 300_000;
const LOCK = "nexcorp-live";

/**
 * @param {() => void} rest called when this tab is to rest
 * @param {() => void} wake called when this tab is shown, or takes over
 */
export function watchHidden(rest, wake) {
  let hidden = new AbortController();

  async function doze() {
    const { signal } = hidden;
    /** Hold the lock until this tab is shown. */
    const hold = () =>
      signal.aborted || new Promise((done) => signal.addEventListener("abort", done, { once: true }));
    await navigator.locks?.request(LOCK, { ifAvailable: true }, (lock) => {
      if (lock) return hold();
      if (signal.aborted) return;
      rest();
      const takeOver = () => {
        wake();
        return hold();
      };
      // Rejected if this tab is shown first.
      navigator.locks.request(LOCK, { signal }, takeOver).catch(() => {});
    });
  }

  /** @type {number | undefined} */
  let dozing;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(dozing);
    if (document.hidden) {
      hidden = new AbortController();
      dozing = setTimeout(doze, HIDDEN_MS);
    } else {
      hidden.abort();
      wake();
    }
  });
}
