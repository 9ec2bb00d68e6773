/** The service worker: shows push notifications and opens their pages. It caches no files. */
const worker = /** @type {any} */ (globalThis);

worker.addEventListener("install", () => worker.skipWaiting());
worker.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(worker.clients.claim()));

worker.addEventListener(
  "push",
  (/** @type {any} */ event) => event.waitUntil(show(event.data?.json() ?? {})),
);

/** Show a push notification; its payload is made by write_push() in the service. */
async function show(/** @type {any} */ { title = "NexCorp Connect", message, tag, notificationId }) {
  const pages = await worker.clients.matchAll({ type: "window" });
  // A user who is looking at the console sees the notification there.
  if (pages.some((/** @type {any} */ page) => page.visibilityState === "visible" && page.focused)) return;
  const path = notificationId ? `/notifications/${notificationId}` : "/notifications";
  await worker.registration.showNotification(title, { body: message, tag, data: { path } });
}

worker.addEventListener("notificationclick", (/** @type {any} */ event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data?.path ?? "/notifications"));
});

async function open(/** @type {string} */ path) {
  const [page] = await worker.clients.matchAll({ type: "window" });
  if (!page) return worker.clients.openWindow(`/app${path}`);
  page.postMessage({ go: path });
  await page.focus();
}
