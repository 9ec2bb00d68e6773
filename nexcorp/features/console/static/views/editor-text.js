/** A text in CodeMirror that several people edit. */
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import {
  basicSetup,
  Compartment,
  EditorState,
  EditorView,
  indentWithTab,
  keymap,
  Y,
  yCollab,
  yUndoManagerKeymap,
} from "../vendor/editor.js";
import { api, me } from "../lib/api.js";
import { go } from "../lib/router.js";
import { Icon, toast, toastError } from "../lib/ui.js";
import { has, t } from "../lib/words.js";
import { languageOf, look } from "./editor-look.js";
import { leave, open } from "./editor-session.js";
import { Faces } from "./project-parts.js";
/** @import { File } from "../lib/types.d.ts" */
/** @import { Session } from "./editor-session.js" */

const ICONS = /** @type {Record<string, string>} */ ({
  connecting: "refresh-cw",
  saved: "check",
  saving: "refresh-cw",
  offline: "wifi-off",
  kept: "wifi-off",
  refused: "lock",
  ended: "alert-triangle",
});

/** Close codes that a retry would cause again: the service cannot read what this client sends. */
const UNREADABLE = [4413, 4422];

/** The people in the text, and whether it is saved. */
const Status = (/** @type {{session: Session, writable: boolean}} */ { session, writable }) => {
  const state = session.state.value;
  // A reader has no edits, so do not claim that they are saved.
  const said = state === "saved" && !writable ? "live" : state;
  return html`
    <div class="editor-status">
      <span class=${`save-state ${state}`} role="status"
        data-state=${state}><${Icon} name=${said === "live" ? "eye" : ICONS[state]} /> ${t(
          `editor.${said}`,
        )}</span>
      <span class="grow"></span>
      <${Faces} people=${session.here.value} label=${t("editor.here")} />
    </div>
  `;
};

/** Explain why the service ended the session, and offer what to do. */
function Ended(/** @type {{session: Session, file: File, again: () => void}} */ { session, file, again }) {
  const code = session.code.value;
  if (!code) return null;
  const reason = `editor.codes.${code}`;
  const unsaved = session.dirty;
  const keep = async () => {
    const text = session.text.toString();
    const dot = file.path.lastIndexOf(".");
    const path = dot > file.path.lastIndexOf("/")
      ? `${file.path.slice(0, dot)}-${t("editor.copySuffix")}-${Date.now() % 10_000}${file.path.slice(dot)}`
      : `${file.path}-${t("editor.copySuffix")}-${Date.now() % 10_000}`;
    try {
      const form = new FormData();
      form.set("path", path);
      form.set("file", new Blob([text], { type: "text/plain" }));
      const made = await api("POST", `/projects/${file.projectId}/files`, form);
      toast(t("editor.copied", { path: made.path }), "info", {
        label: t("keys.open"),
        run: () => go(`/files/${made.id}`),
      });
    } catch (error) {
      toastError(error);
    }
  };
  const carry = () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([session.text.toString()], { type: "text/plain" }));
    link.download = file.path.slice(file.path.lastIndexOf("/") + 1);
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };
  return html`
    <div class="banner editor-ended" role="alert">
      <${Icon} name="alert-triangle" />
      <span class="grow">${t(has(reason) ? reason : "editor.codes.other", { code })} ${unsaved &&
        t("editor.notSaved")}</span>
      ${code === 4413 && html`<button onClick=${keep}>${t("editor.copy")}</button>`}
      ${unsaved && html`<button onClick=${carry}><${Icon} name="download" /> ${t("editor.keep")}</button>`}
      ${![4403, 4404, 4409].includes(code) &&
        html`<button onClick=${again}>${
          t(UNREADABLE.includes(code) ? "editor.discard" : "editor.again")
        }</button>`}
    </div>
  `;
}

/** Mount an editor in `parent`; returns the view, its undo manager, and the compartments for mode and language. */
function mount(/** @type {Element} */ parent, /** @type {Session} */ session, /** @type {string} */ path) {
  const mode = new Compartment(), language = new Compartment();
  const { text, provider } = session;
  const undo = new Y.UndoManager(text);
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: text.toString(),
      extensions: [
        look(),
        // Before the editor's own key bindings: undo reverts the user's edits, not those of others.
        keymap.of([...yUndoManagerKeymap, indentWithTab]),
        basicSetup,
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({
          "aria-label": t("editor.text", { path }),
          "aria-describedby": "editor-keys",
        }),
        mode.of([]),
        language.of(languageOf(path)),
        yCollab(text, provider.awareness, { undoManager: undo }),
      ],
    }),
  });
  return { view, mode, language, undo };
}

/**
 * @param {{file: File, writable: boolean, onRefused: () => void}} given `onRefused`: the service refused an edit,
 *       as the user may only read
 */
export default function TextEditor({ file, writable, onRefused }) {
  const box = useRef(/** @type {Element | null} */ (null));
  const [session, setSession] = useState(/** @type {Session | null} */ (null));
  const [round, setRound] = useState(0);
  /** @type {{current: ReturnType<typeof mount> | null}} */
  const made = useRef(null);
  useEffect(() => {
    const mine = open(file.id);
    setSession(mine);
    return () => leave(mine);
  }, [file.id, round, me.value?.id]);
  const loaded = session?.loaded.value ?? false,
    code = session?.code.value ?? 0,
    state = session?.state.value;
  useEffect(() => {
    if (!session || !loaded || !box.current) return;
    made.current = mount(box.current, session, file.path);
    return () => {
      made.current?.undo.destroy();
      made.current?.view.destroy();
      made.current = null;
    };
  }, [session, loaded]);
  useEffect(() => {
    const free = writable && !code && state !== "refused";
    made.current?.view.dispatch({
      effects: made.current.mode.reconfigure([
        EditorState.readOnly.of(!free),
        EditorView.editable.of(free),
        // Keep a read-only text focusable, so that the keyboard can scroll it.
        ...(free ? [] : [EditorView.contentAttributes.of({ tabindex: "0", "aria-readonly": "true" })]),
      ]),
    });
  }, [session, loaded, writable, code, state === "refused"]);
  useEffect(() => {
    made.current?.view.dispatch({ effects: made.current.language.reconfigure(languageOf(file.path)) });
  }, [file.path, loaded]);
  useEffect(() => {
    if (state === "refused") onRefused();
  }, [state === "refused"]);
  useEffect(() => {
    if (writable && session?.refused) session.resend();
  }, [writable]);
  if (!session) return null;
  const again = () => {
    if (!UNREADABLE.includes(code)) return session.connect();
    // The service would refuse the same edits again: start over from its state.
    session.drop();
    setRound(round + 1);
  };
  return html`
    <${Ended} session=${session} file=${file} again=${again} />
    <section class="card editor" aria-label=${file.path}>
      <span id="editor-keys" hidden>${t("editor.keys")}</span>
      <${Status} session=${session} writable=${writable} />
      <div class="editor-box" ref=${box}>${!loaded && html`<div class="skeleton" role="status" aria-label=${
        t(
          "app.loading",
        )
      }><i></i><i></i><i></i></div>`}</div>
    </section>
  `;
}
