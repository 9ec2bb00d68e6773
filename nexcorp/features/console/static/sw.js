/** The service worker: shows pushes, and opens what they tell of. It keeps no files: the browser's cache does. */
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => event.waitUntil(show(event.data?.json() ?? {})));

async function show({ title = "NexCorp Connect", message, id, path }) {
  const pages = await self.clients.matchAll({ type: "window" });
  // Whoever looks at the page sees it there.
  if (pages.some((page) => page.visibilityState === "visible" && page.focused)) return;
  await self.registration.showNotification(title, { body: message, tag: id, data: { path } });
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data?.path ?? "/notifications"));
});

async function open(path) {
  const [page] = await self.clients.matchAll({ type: "window" });
  if (!page) return self.clients.openWindow(`/app${path}`);
  await page.focus();
  page.postMessage({ go: path });
}
