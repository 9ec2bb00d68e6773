/** The frame around every view: sidebar, search, bell, account, a phone's tabs, commands and the list of shortcuts. */
import { html, signal, useEffect, useRef, useState } from "../vendor/preact.js";
import { may, me, signOut } from "./api.js";
import { Bell } from "./bell.js";
import { bindAll, bindPages, listKeys } from "./keys.js";
import { state } from "./live.js";
import { go, href, path } from "./router.js";
import { Avatar, Dialog, Icon, nameOf, toast } from "./ui.js";
import { choose, language, LANGUAGES, t } from "./words.js";

/** The pages of the sidebar: [key of the name, path, icon, letter after g, permission]. @type {[string, string, string, string, string][]} */
const PAGES = [
  ["feed", "/", "home", "f", "post:read"],
  ["explore", "/explore", "compass", "e", "post:read"],
  ["people", "/people", "users", "u", "user:read"],
  ["tasks", "/tasks", "check-square", "t", "task:read"],
  ["leads", "/leads", "trending-up", "l", "lead:read"],
  ["projects", "/projects", "folder", "p", "project:read"],
  ["messages", "/messages", "message-circle", "m", "message:read"],
  ["assistant", "/assistant", "bot", "a", "ai:use"],
  ["notifications", "/notifications", "bell", "n", "notification:read"],
];
const ADMIN = /** @type {typeof PAGES} */ ([
  ["overview", "/admin", "activity", "o", "audit:read"],
  ["roles", "/admin/people", "shield", "r", "user:manage"],
  ["audit", "/admin/audit", "file-text", "y", "audit:read"],
  ["dead", "/admin/dead-letters", "alert-triangle", "d", "audit:read"],
  ["webhooks", "/webhooks", "zap", "w", "webhook:all"],
]);
const TABS = ["feed", "tasks", "messages", "projects"];
export const overlay = signal(""); // which one is open: commands, keys, more; "" for closed

const shown = (/** @type {typeof PAGES} */ pages) => pages.filter(([, , , , permission]) => may(permission));
const isHere = (/** @type {string} */ to) =>
  to === "/" || to === "/admin" ? path.value === to : path.value === to || path.value.startsWith(`${to}/`);

const Links = (/** @type {{pages: typeof PAGES, onClick?: () => void}} */ { pages, onClick }) =>
  pages.map(([key, to, icon]) =>
    html`<a key=${to} href=${href(to)} onClick=${onClick} aria-current=${isHere(to) ? "page" : undefined}>
    <${Icon} name=${icon} /><span>${t(`pages.${key}`)}</span></a>`
  );

const Live = () =>
  html`<span class=${`live ${state.value}`} role="status"><i></i><span>${
    t(`live.${state.value}`)
  }</span></span>`;

/** Sign out; on failure tell the user that they are still signed in. */
const leave = () => signOut().catch(() => toast(t("app.stillIn"), "error"));

/** Set the colour scheme: light, dark, or system. */
function setScheme(/** @type {string} */ scheme) {
  localStorage.setItem("nexcorp-scheme", scheme);
  showScheme();
}
export function showScheme() {
  const scheme = localStorage.getItem("nexcorp-scheme") ?? "system";
  document.documentElement.style.colorScheme = scheme === "system" ? "" : scheme;
}

function Account() {
  const box = useRef(/** @type {any} */ (null));
  const hide = () => box.current?.hidePopover();
  return html`
    <button class="icon-button" popovertarget="account"
      aria-label=${t("app.account")}><${Avatar} person=${me.value} small /></button>
    <div id="account" class="menu" popover ref=${box}>
      <p><b>${nameOf(me.value)}</b><br /><span class="muted">${me.value.email}</span></p>
      <a href=${href(`/people/${me.value.username}`)} onClick=${hide}><${Icon} name="user" /> ${t(
        "pages.profile",
      )}</a>
      <a href=${href("/settings")} onClick=${hide}><${Icon} name="settings" /> ${t("pages.settings")}</a>
      <button onClick=${() => {
        hide();
        overlay.value = "keys";
      }}><${Icon} name="command" /> ${t("app.keys")}</button>
      <label><${Icon} name="moon" /><span class="visually-hidden">${t(
        "app.scheme",
      )}</span><select onChange=${(/** @type {any} */ e) => setScheme(e.target.value)}>
            ${["system", "light", "dark"].map((one) =>
              html`<option value=${one} selected=${
                one === (localStorage.getItem("nexcorp-scheme") ?? "system")
              }>${t(`scheme.${one}`)}</option>`
            )}</select></label>
      <label><${Icon} name="globe" /><span class="visually-hidden">${t(
        "app.language",
      )}</span><select onChange=${(/** @type {any} */ e) => choose(e.target.value)}>
            ${Object.entries(LANGUAGES).map(([code, { name }]) =>
              html`<option value=${code} selected=${code === language.value}>${name}</option>`
            )}</select></label>
      <a href="/api/docs" target="_blank"><${Icon} name="file-text" /> ${t("app.docs")}</a>
      <button onClick=${() => leave()}><${Icon} name="log-out" /> ${t(
        "app.signOut",
      )}</button>
    </div>
  `;
}

function Search() {
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  useEffect(() => bindAll([["/", "keys.search", () => input.current?.focus()]]), []);
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    const q = input.current?.value.trim();
    if (q) go(`/search?q=${encodeURIComponent(q)}`);
  };
  return html`<form class="search" role="search" onSubmit=${submit}><${Icon} name="search" />
    <input ref=${input} type="search" maxlength="200" placeholder=${t("app.search")} aria-label=${
    t("app.search")
  } /><kbd>/</kbd></form>`;
}

/** The commands of the command palette. */
const listCommands = () => [
  ...shown([...PAGES, ...ADMIN]).map(([key, to, icon]) => ({
    name: t(`pages.${key}`),
    icon,
    run: () => go(to),
  })),
  { name: t("pages.settings"), icon: "settings", run: () => go("/settings") },
  {
    name: t("app.keys"),
    icon: "command",
    run: () => {
      overlay.value = "keys";
    },
  },
  { name: t("commands.dark"), icon: "moon", run: () => setScheme("dark") },
  { name: t("commands.light"), icon: "sun", run: () => setScheme("light") },
  { name: t("app.signOut"), icon: "log-out", run: () => leave() },
];

/** The command palette: filters pages and commands by the typed text; arrow keys choose, Enter runs. */
function Commands() {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const wanted = text.trim().toLowerCase();
  const found = listCommands().filter(({ name }) => name.toLowerCase().includes(wanted));
  if (wanted) {
    found.push({
      name: t("commands.find", { text }),
      icon: "search",
      run: () => go(`/search?q=${encodeURIComponent(text)}`),
    });
  }
  useEffect(() => document.getElementById(`command-${at}`)?.scrollIntoView({ block: "nearest" }), [at]);
  const run = (/** @type {any} */ command) => {
    overlay.value = "";
    command?.run();
  };
  const keys = (/** @type {KeyboardEvent} */ event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) setAt((at + step + found.length) % found.length);
    else if (event.key === "Enter") run(found[at]);
    else return;
    event.preventDefault();
  };
  return html`
    <${Dialog} title=${t("app.commands")} onClose=${() => {
      overlay.value = "";
    }}>
      <input autofocus role="combobox" aria-expanded="true" aria-controls="commands"
        aria-activedescendant=${`command-${at}`} aria-label=${t("app.commands")}
        placeholder=${t("commands.hint")} value=${text} onInput=${(/** @type {any} */ e) => {
          setText(e.target.value);
          setAt(0);
        }} onKeyDown=${keys} />
      <ul id="commands" role="listbox" aria-label=${t("app.commands")}>${found.map((command, index) =>
        html`
          <li id=${`command-${index}`} key=${command.name} role="option"
            aria-selected=${index === at} onClick=${() => run(command)}><${Icon} name=${command
              .icon} /> ${command.name}</li>
        `
      )}</ul>
      <//>
  `;
}

const Keys = () =>
  html`
    <${Dialog} title=${t("app.keys")} onClose=${() => {
      overlay.value = "";
    }}>
      <dl class="keys">${listKeys().map(({ keys, about }) =>
        html`
          <div key=${keys}>
            <dt>${keys.split(/[ +]/).map((key) =>
              html`
                <kbd key=${key}>${key === "Mod" ? "Ctrl" : key.replace("Arrow", "")}</kbd>
              `
            )}</dt>
            <dd>${t(about)}</dd>
          </div>
        `
      )}</dl>
      <//>
  `;

const More = () =>
  html`
    <${Dialog} title=${t("app.more")} onClose=${() => {
      overlay.value = "";
    }}>
      <nav class="more-pages" aria-label=${t("app.more")}>
        <${Links} pages=${shown([...PAGES, ...ADMIN])} onClick=${() => {
          overlay.value = "";
        }} />
      </nav>
      <//>
  `;

/** The frame around a view, which is given as children. */
export function Shell(/** @type {any} */ { children }) {
  const pages = shown([...PAGES, ...ADMIN]);
  useEffect(() => {
    const ends = [
      bindPages(pages.map(([key, to, , letter]) => [letter, `pages.${key}`, to])),
      bindAll([["Mod+k", "app.commands", () => {
        overlay.value = "commands";
      }], ["?", "app.keys", () => {
        overlay.value = "keys";
      }]]),
    ];
    return () => ends.forEach((end) => end());
  }, [pages.length]); // the user's permissions, and so the pages, may arrive after the first render
  const admin = shown(ADMIN);
  return html`
    <a class="skip" href="#main">${t("app.skip")}</a>
        <div class="shell">
      <nav class="side" aria-label=${t("app.pages")}>
            <a class="brand" href=${href("/")}><img src=${new URL("../favicon.svg", import.meta.url)
              .pathname} width="28" height="28" alt="" /><span>${t("app.name")}</span></a>
            <${Links} pages=${shown(PAGES)} />
            ${admin.length > 0 && html`
              <h2>${t("app.admin")}</h2>
              <${Links} pages=${admin} />
            `}
          </nav>
      <div class="body">
            <header class="top"><${Search} /><span class="grow"></span>
              <button class="icon-button wide-only" aria-label=${t("app.commands")} onClick=${() => {
                overlay.value = "commands";
              }}><${Icon} name="command" /></button>
              <${Live} />${may("notification:read") && html`<${Bell} />`}<${Account} /></header>
            ${!isSecureContext && html`<p class="banner"><${Icon} name="info" /> ${t("app.insecure")}</p>`}
            ${me.value.emailVerified === false &&
              html`<p class="banner"><${Icon} name="mail" /> ${t("app.unverified")}</p>`}
            <main id="main" tabindex="-1">${children}</main>
          </div>
      <nav class="tabs" aria-label=${t("app.tabs")}>
        <${Links} pages=${shown(PAGES.filter(([key]) => TABS.includes(key)))} />
        <button onClick=${() => {
          overlay.value = "more";
        }}><${Icon} name="menu" /><span>${t("app.more")}</span></button>
      </nav>
    </div>
        ${overlay.value === "commands" && html`<${Commands} />`}${overlay.value === "keys" &&
          html`<${Keys} />`}${overlay.value === "more" && html`<${More} />`}
  `;
}
