/** Parts that all views use. None of them renders text written by users as HTML. */
import { html, signal, useEffect, useId, useRef, useState } from "../vendor/preact.js";
import { state } from "./live.js";
import { href, setTitle } from "./router.js";
import { locale, plain, t } from "./words.js";

const SPRITE = new URL("../vendor/icons.svg", import.meta.url).pathname;

/** An icon of the sprite; without a label it is hidden from screen readers. */
export const Icon = (/** @type {{name: string, label?: string}} */ { name, label }) =>
  html`
    <svg class="icon" role=${label ? "img" : undefined} aria-label=${label} aria-hidden=${label
      ? undefined
      : "true"}>
      <use href=${`${SPRITE}#${name}`} />
    </svg>
  `;

/** A person's display name, without direction marks; null stands for a deleted account. */
export const nameOf = (/** @type {any} */ person) =>
  plain([person?.firstName, person?.lastName].filter(Boolean).join(" ")) || person?.username || t("app.left");

const HUES = [262, 210, 160, 25, 340, 190, 45, 290];
export const hueOf = (/** @type {string} */ id) =>
  HUES[[...id].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % HUES.length];

/** A person's picture, or their initials. */
export function Avatar(
  /** @type {{person: any, small?: boolean, large?: boolean}} */ { person, small, large },
) {
  const [broken, setBroken] = useState(false);
  const initials = nameOf(person).split(/\s+/).map((/** @type {string} */ word) => [...word][0]).slice(0, 2)
    .join("").toUpperCase();
  return html`<span class=${`avatar ${small ? "small" : ""} ${large ? "large" : ""}`} style=${{
    "--hue": hueOf(person?.id ?? ""),
  }} aria-hidden="true">
    ${
    person?.avatarUrl && !broken
      ? html`<img src=${person.avatarUrl} alt="" onError=${() => setBroken(true)} />`
      : initials
  }
  </span>`;
}

/** A person's name, as a link to their profile. */
export const PersonLink = (/** @type {{person: any}} */ { person }) =>
  person?.username
    ? html`<a class="person" href=${href(`/people/${person.username}`)}>${nameOf(person)}</a>`
    : html`<b>${nameOf(person)}</b>`;

const now = signal(Date.now());
setInterval(() => {
  now.value = Date.now();
}, 30_000);

/** Format a date and time in the reader's locale. */
export const exactly = (/** @type {string} */ at) =>
  new Intl.DateTimeFormat(locale.value, { dateStyle: "medium", timeStyle: "short" }).format(new Date(at));
/** Format a date. */
export const onDay = (/** @type {string} */ at) =>
  new Intl.DateTimeFormat(locale.value, { dateStyle: "medium" }).format(new Date(at));
/** Format a number. */
export const number = (/** @type {number} */ value, /** @type {Intl.NumberFormatOptions} */ options = {}) =>
  new Intl.NumberFormat(locale.value, options).format(value);

/** @type {[number, number, Intl.RelativeTimeFormatUnit][]} */
const UNITS = [[3600, 60, "minute"], [86_400, 3600, "hour"], [604_800, 86_400, "day"]];

/** A time relative to now; the exact time is its tooltip. */
export function Ago(/** @type {{at: string}} */ { at }) {
  const seconds = (Date.parse(at) - now.value) / 1000, size = Math.abs(seconds);
  const unit = UNITS.find(([below]) => size < below);
  const relative = new Intl.RelativeTimeFormat(locale.value, { numeric: "auto", style: "narrow" });
  const text = size < 45
    ? t("app.now")
    : unit
    ? relative.format(Math.round(seconds / unit[1]), unit[2])
    : onDay(at);
  return html`<time dateTime=${at} title=${exactly(at)}>${text}</time>`;
}

const PARTS = /(https?:\/\/[^\s<>"')\]]+|(?<![\w@./])@\w{3,30}(?![\w@]))/g;
/** A user's text, with its links and mentions as elements. */
export const Words = (/** @type {{text: string}} */ { text }) =>
  text.split(PARTS).map((part, at) => {
    if (at % 2 === 0) return part;
    if (part[0] === "@") return html`<a class="mention" href=${href(`/people/${part.slice(1)}`)}>${part}</a>`;
    return html`<a href=${part} rel="noopener noreferrer nofollow" target="_blank">${part}</a>`;
  });

/** A search snippet of the API, which marks hits with `<mark>`. */
export const Marked = (/** @type {{text: string}} */ { text }) =>
  text.split(/<\/?mark>/).map((part, at) => at % 2 ? html`<mark>${unescape(part)}</mark>` : unescape(part));
const ENTITIES = /** @type {Record<string, string>} */ ({
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#39;": "'",
  "&#x27;": "'",
});
const unescape = (/** @type {string} */ text) =>
  text.replace(/&(?:amp|lt|gt|quot|#39|#x27);/g, (entity) => ENTITIES[entity]);

/** @type {import("../vendor/preact.js").Signal<{id: number, text: string, kind: string, action?: {label: string, run: () => void}}[]>} */
const toasts = signal([]);
let lastToast = 0;

/** Show a message in the corner for some seconds; `kind`: info or error; `action`: a button, e.g. to undo. */
export function toast(
  /** @type {string} */ text,
  kind = "info",
  /** @type {{label: string, run: () => void} | undefined} */ action = undefined,
) {
  const item = { id: ++lastToast, text, kind, action };
  toasts.value = [...toasts.value.slice(-2), item];
  setTimeout(() => close(item.id), kind === "error" ? 9000 : 6000);
}
const close = (/** @type {number} */ id) => {
  toasts.value = toasts.value.filter((item) => item.id !== id);
};

/** Show the message of a failed request. */
export const toastError = (/** @type {any} */ error) =>
  toast(error?.first ?? error?.message ?? t("app.failed"), "error");

export const Toasts = () =>
  html`<div class="toasts" role="status" aria-live="polite">
    ${
    toasts.value.map((item) =>
      html`<div key=${item.id} class=${`toast ${item.kind}`}>
      <span>${item.text}</span>
      ${
        item.action && html`<button class="link" onClick=${() => {
          item.action?.run();
          close(item.id);
        }}>${item.action.label}</button>`
      }
    </div>`
    )
  }
  </div>`;

/** The empty state of a view: what will appear here and how. */
export const Empty = (/** @type {any} */ { icon, title, children }) =>
  html`
    <div class="empty">
      <${Icon} name=${icon} />
      <h2>${title}</h2>
      <p>${children}</p>
    </div>
  `;

export const Skeleton = (/** @type {{count?: number}} */ { count = 3 }) =>
  html`<div class="skeletons" role="status" aria-label=${t("app.loading")}>
    ${
    Array.from({ length: count }, (_, at) =>
      html`<div key=${at} class="card skeleton"><i></i><i></i><i></i></div>`)
  }
  </div>`;

const AGAIN_MS = 10_000;

/**
 * A failed request: its message, its request id for support, and a button to retry. Retries passing failures by
 * itself: once after some seconds, and when the connection is back.
 */
export function Problem(/** @type {{error: any, retry?: () => void}} */ { error, retry }) {
  useEffect(() => {
    if (!retry || (error.status !== 0 && !(error.status >= 502))) return;
    const timer = setTimeout(retry, Math.max(AGAIN_MS, error.wait * 1000) * (1 + Math.random() / 2));
    let before = state.peek();
    const end = state.subscribe((/** @type {string} */ now) => {
      if (now === "live" && before !== now) retry();
      before = now;
    });
    return () => {
      clearTimeout(timer);
      end();
    };
  }, [error]);
  return html`<div class="card problem-card" role="alert">
    <h2>${
    error.status === 404 ? t("app.gone") : error.status === 403 ? t("app.forbidden") : t("app.failed")
  }</h2>
    <p>${error.first ?? error.message}</p>
    ${error.requestId && html`<p class="muted">${t("app.request")} <code>${error.requestId}</code></p>`}
    ${
    retry && html`<button onClick=${() => retry()}><${Icon} name="refresh-cw" /> ${t("app.retry")}</button>`
  }
  </div>`;
}

/**
 * A paged list: skeleton, problem, empty state, items; loads more as the reader nears the end.
 * `rows`: the class of the `ul` around the items, which are then `li`.
 */
export function PagedList(/** @type {any} */ { list, empty, children, count, rows }) {
  const end = useRef(/** @type {Element | null} */ (null));
  useEffect(() => {
    if (!end.current) return;
    const watcher = new IntersectionObserver(([entry]) => entry.isIntersecting && list.more(), {
      rootMargin: "600px",
    });
    watcher.observe(end.current);
    return () => watcher.disconnect();
  }, [list.cursor.value]);
  const items = list.items.value;
  if (items === null) {
    return list.problem.value
      ? html`<${Problem} error=${list.problem.value} retry=${() => list.load()} />`
      : html`<${Skeleton} count=${count} />`;
  }
  const shown = items.map(children);
  return html`${items.length === 0 ? empty : rows ? html`<ul class=${rows}>${shown}</ul>` : shown}
    ${list.problem.value && html`<${Problem} error=${list.problem.value} retry=${() => list.more()} />`}
    ${
    list.cursor.value && html`<button ref=${end} class="quiet more" onClick=${() =>
      list.more()}>${t("app.more")}</button>`
  }`;
}

/** The window's title and the view's `h1`; children are rendered beside it. */
export function Heading(/** @type {any} */ { title, hidden, children }) {
  useEffect(() => setTitle(title), [title]);
  return hidden
    ? html`<h1 class="visually-hidden">${title}</h1>`
    : html`<header class="heading"><h1>${title}</h1>${children}</header>`;
}

/** A modal window. Escape or a click outside calls `onClose`. */
export function Dialog(/** @type {any} */ { title, onClose, children, wide }) {
  const box = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useEffect(() => {
    const before = /** @type {HTMLElement | null} */ (document.activeElement);
    box.current?.showModal();
    return () => before?.focus?.();
  }, []);
  return html`
    <dialog ref=${box} class=${wide ? "wide-dialog" : ""} aria-label=${title} onCancel=${(
      /** @type {Event} */ e,
    ) => {
      e.preventDefault();
      onClose();
    }}
      onClick=${(/** @type {Event} */ e) => e.target === box.current && onClose()}>
      <div class="dialog">
          <header class="row"><h2>${title}</h2><button class="icon-button" type="button" aria-label=${t(
            "app.close",
          )} onClick=${onClose}><${Icon} name="x" /></button></header>
          ${children}
        </div>
    </dialog>
  `;
}

/**
 * A labelled input of a form; `error`: its error message. Without `onInput` or `onChange`, `value` is only the initial
 * value: typed text survives a re-render.
 */
export function Field(/** @type {any} */ { label, error, hint, children, ...input }) {
  if (!input.onInput && !input.onChange && "value" in input) {
    input.defaultValue = input.value;
    delete input.value;
  }
  // The hint and error describe the input; they are not part of its label.
  const id = useId();
  return html`<label class="field"><span>${label}</span>
    ${
    children ??
      html`<input ...${input} aria-label=${label} aria-describedby=${
        error || hint ? id : undefined
      } aria-invalid=${error ? "true" : undefined} />`
  }
    ${
    (hint || error) &&
    html`<small id=${id} class=${error ? "problem" : "muted"} role=${error ? "alert" : undefined}>${
      [error, hint].filter(Boolean).join(" ")
    }</small>`
  }
  </label>`;
}

/**
 * State of a form: {busy, problem, errors, submit}. Pass `submit` to onSubmit: it calls `send` with the form's
 * fields, and sets `problem` and `errors` if that fails.
 */
export function useForm(
  /** @type {(values: Record<string, string>, form: HTMLFormElement) => Promise<any>} */ send,
) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    setBusy(true);
    setProblem(null);
    try {
      await send(/** @type {any} */ (Object.fromEntries(new FormData(form))), form);
    } catch (error) {
      setProblem(error);
    } finally {
      setBusy(false);
    }
  };
  /** @type {Record<string, string>} */
  const errors = Object.fromEntries(
    Object.entries(problem?.errors ?? {}).map(([name, all]) => [name, /** @type {any} */ (all)[0]]),
  );
  return { busy, problem, errors, submit };
}
