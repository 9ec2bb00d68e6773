/** Start the console: the session, the socket, and the view for the current path. */
import { Component, effect, html, render, signal, useEffect } from "./vendor/preact.js";
import { learnRights, may, me, permissions, refresh } from "./lib/api.js";
import { loadBell } from "./lib/bell.js";
import { connect, on, stop } from "./lib/live.js";
import { BASE, go, path } from "./lib/router.js";
import { Shell, showScheme } from "./lib/shell.js";
import { Empty, Heading, Problem, Skeleton, toast, Toasts } from "./lib/ui.js";
import { begin, complete, t } from "./lib/words.js";

/** Style sheets that the first page does not need. */
const SHEETS = ["people", "settings", "work", "projects", "talk", "admin"];

/** Add a style sheet; resolves when it has loaded. */
const addSheet = (/** @type {string} */ name) =>
  new Promise((done, fail) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = new URL(`./styles/${name}.css`, import.meta.url).href;
    link.onload = done;
    link.onerror = () => {
      link.remove();
      fail(new Error(`styles of ${name}`));
    };
    document.head.append(link);
  });

/** @type {Promise<any> | undefined} */
let rest;

/** Load the remaining words and style sheets once; after a failure the next call tries again. */
function loadRest() {
  rest ??= Promise.all([
    import("./words/en-views.js").then((module) => complete(module.default)),
    ...SHEETS.map(addSheet),
  ]).catch((error) => {
    rest = undefined;
    throw error;
  });
  return rest;
}

/** Wrap the loader of a view that needs the remaining words and style sheets. */
const late = (/** @type {() => Promise<any>} */ load) => async () =>
  (await Promise.all([load(), loadRest()]))[0];

/**
 * [path pattern below /app, loader of the view, permission]; the view gets the values of the `:name` parts as props.
 * A user without the permission gets no view, so it sends no requests.
 * @type {[string, () => Promise<any>, string?][]}
 */
const VIEWS = [
  ["/", () => import("./views/feed.js")],
  ["/explore", late(() => import("./views/explore.js"))],
  ["/posts/:id", () => import("./views/post.js")],
  ["/people", late(() => import("./views/people.js"))],
  ["/people/:username", late(() => import("./views/profile.js"))],
  ["/search", late(() => import("./views/search.js"))],
  ["/notifications", late(() => import("./views/notifications.js"))],
  ["/notifications/:id", late(() => import("./views/notification.js"))],
  ["/tasks", late(() => import("./views/tasks.js"))],
  ["/tasks/:id", late(() => import("./views/task.js"))],
  ["/leads", late(() => import("./views/leads.js")), "lead:read"],
  ["/leads/:id", late(() => import("./views/lead.js")), "lead:read"],
  ["/projects", late(() => import("./views/projects.js"))],
  ["/projects/:id", late(() => import("./views/project.js"))],
  ["/projects/:id/:tab", late(() => import("./views/project.js"))],
  ["/files/:id", late(() => import("./views/editor.js"))],
  ["/messages", late(() => import("./views/messages.js"))],
  ["/messages/:id", late(() => import("./views/messages.js"))],
  ["/assistant", late(() => import("./views/assistant.js"))],
  ["/assistant/:id", late(() => import("./views/assistant.js"))],
  ["/settings", late(() => import("./views/settings.js"))],
  ["/settings/:tab", late(() => import("./views/settings.js"))],
  ["/webhooks", late(() => import("./views/webhooks.js"))],
  ["/webhooks/:id", late(() => import("./views/webhooks.js"))],
  ["/admin", late(() => import("./views/admin-overview.js")), "audit:read"],
  ["/admin/people", late(() => import("./views/admin-people.js")), "user:manage"],
  ["/admin/audit", late(() => import("./views/admin-audit.js")), "audit:read"],
  ["/admin/dead-letters", late(() => import("./views/admin-dead-letters.js")), "audit:read"],
];

/** What `:name` parts accept: only this may become part of an API path. @type {Record<string, RegExp>} */
const GIVEN = {
  ":id": /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i,
  ":username": /^\w+$/,
  ":tab": /^[\w-]+$/,
};

/** Find the view for a path: its loader, permission and props; undefined if no pattern matches. */
export function match(/** @type {string} */ to) {
  const parts = to.split("/");
  for (const [pattern, load, needs] of VIEWS) {
    const names = pattern.split("/");
    if (
      names.length !== parts.length ||
      !names.every((name, at) => GIVEN[name]?.test(parts[at]) ?? name === parts[at])
    ) continue;
    return {
      load,
      needs,
      given: Object.fromEntries(
        names.flatMap((name, at) => name[0] === ":" ? [[name.slice(1), parts[at]]] : []),
      ),
    };
  }
}

/** @type {import("./vendor/preact.js").Signal<{load?: any, View?: any, problem?: any}>} */
const view = signal({});

/** Load a view and show it. If that fails, the release has often changed since: a reload gets the new one. */
async function show(/** @type {() => Promise<any>} */ load) {
  /** @type {any} */
  let loaded;
  try {
    loaded = { load, View: (await load()).default };
  } catch (problem) {
    loaded = { load, problem };
  }
  // The user may have moved to another path while the view was loading.
  if (match(path.peek())?.load === load) view.value = loaded;
}

/** Error boundary: a view that throws while rendering leaves the rest of the page working. */
class Guard extends Component {
  /** @override */
  componentDidCatch(/** @type {any} */ error) {
    console.error(error);
    this.setState({ error });
  }
  /** @override */
  render(/** @type {any} */ { children }) {
    const { error } = this.state ?? {};
    return error
      ? html`<${Problem} error=${{ message: t("app.broken") }} retry=${() => location.reload()} />`
      : children;
  }
}

function View() {
  const found = match(path.value), load = found?.load;
  useEffect(() => {
    if (load && view.peek().load !== load) show(load);
  }, [load]);
  if (!found) {
    return html`
      <${Heading} title=${t("app.gone")} hidden />
      <${Empty} icon="compass" title=${t("app.gone")}>${t("app.goneHint")}<//>
    `;
  }
  if (found.needs && !permissions.value) {
    return unlearnt.value
      ? html`
        <${Heading} title=${t("app.name")} hidden />
        <${Problem} error=${unlearnt.value} retry=${() => learn()} />
      `
      : html`<${Skeleton} />`;
  }
  if (found.needs && !may(found.needs)) {
    const admin = path.value.startsWith("/admin");
    return html`
      <${Heading} title=${t("app.forbidden")} hidden />
      <${Empty} icon="shield" title=${t(admin ? "app.admins" : "app.forbidden")}>${t("app.askAdmin")}<//>
    `;
  }
  const { View, problem } = view.value.load === load ? view.value : { View: null, problem: null };
  if (problem) {
    return html`<${Problem} error=${{ message: t("app.newRelease") }} retry=${() => location.reload()} />`;
  }
  return View
    ? html`
      <${Guard} key=${path.value}>
        <${View} key=${load} ...${found.given} />
        <//>
    `
    : html`<${Skeleton} />`;
}

/** @type {import("./vendor/preact.js").Signal<any>} */
const SignIn = signal(null);

/** Why resuming the session failed, or null. @type {import("./vendor/preact.js").Signal<any>} */
const unknown = signal(null);
/** @type {number | undefined} */
let again;

/** Resume the previous session. A 401 means signed out; any other error is shown and retried. */
async function start(tries = 0) {
  clearTimeout(again);
  try {
    await refresh();
  } catch (/** @type {any} */ error) {
    unknown.value = error;
    const wait = Math.max(error.wait * 1000, Math.min(30_000, 1000 * 2 ** tries));
    again = setTimeout(() => me.peek() === undefined && start(tries + 1), wait);
  }
}

function App() {
  if (me.value === undefined) {
    return unknown.value && html`
      <main class="sign-in">
        <${Heading} title=${t("app.name")} hidden />
        <${Problem} error=${unknown.value} retry=${() => start()} />
      </main>
    `;
  }
  if (me.value === null) return html`${SignIn.value && html`<${SignIn.value} />`}<${Toasts} />`;
  return html`
    <${Shell} key=${me.value.id}>
      <${View} />
      <//>
      <${Toasts} />
  `;
}

/** Why the user's permissions could not be read, or null. @type {import("./vendor/preact.js").Signal<any>} */
const unlearnt = signal(null);
/** @type {number | undefined} */
let relearning;

/** Read the user's permissions; a failure is shown and retried until they are known. */
async function learn(tries = 0) {
  clearTimeout(relearning);
  try {
    await learnRights();
    unlearnt.value = null;
  } catch (/** @type {any} */ error) {
    unlearnt.value = error;
    const wait = Math.max(error.wait * 1000, Math.min(30_000, 1000 * 2 ** tries));
    relearning = setTimeout(() => me.peek() && !permissions.peek() && learn(tries + 1), wait);
  }
}

/** Read the state first, then connect the socket from that state's position. */
async function enter() {
  await learn();
  await loadBell().catch(() => {});
  await connect();
}

/** Ids of the current and the previous user; null: signed out. @type {string | null | undefined} */
let shownTo, before;
effect(() => {
  const id = me.value === undefined ? undefined : me.value?.id ?? null;
  if (id === shownTo) return;
  shownTo = id;
  stop();
  // A reload clears what the views hold in memory, so that the next user sees nothing of the previous one's.
  if (id && before && id !== before) location.reload();
  before = id ?? before;
  if (id) enter();
  else if (id === null) {
    import("./views/sign-in.js").then((module) => {
      SignIn.value = module.default;
    });
  }
});

on("connected", () => permissions.peek() ?? learn());
on("ended", ({ code }) => toast(t("live.ended", { code }), "error"));

/** Trusted Types: allow this page to load one script URL only. */
const policy = /** @type {any} */ (globalThis).trustedTypes?.createPolicy("nexcorp", {
  createScriptURL: () => `${BASE}/sw.js`,
});
if ("serviceWorker" in navigator && isSecureContext) {
  navigator.serviceWorker.register(policy ? policy.createScriptURL("") : `${BASE}/sw.js`).catch(() => {});
  navigator.serviceWorker.addEventListener(
    "message",
    ({ data }) => typeof data?.go === "string" && go(data.go),
  );
}

showScheme();
const first = match(path.peek());
first?.load().catch(() => {}); // in parallel with the session
await begin().catch(() => {});
render(html`<${App} />`, /** @type {HTMLElement} */ (document.getElementById("app")));
await start();
performance.mark("shown");
loadRest().catch(() => {}); // before the next page needs them
