/** A text that is edited in place; shows someone else's change before overwriting it. */
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { useDraft } from "../lib/store.js";
import { Icon, toastError, Words } from "../lib/ui.js";
import { t } from "../lib/words.js";

/**
 * @param {{draft: string, label: string, value: string | null, version: number, most: string, writable: boolean,
 *   save: (value: string | null, version: number) => Promise<any>, kind: "title" | "text", field: string, empty?: string,
 *   required?: boolean}} given `save` rejects with `stale_version` if `version` is not current
 */
export function InPlace(
  { draft, label, value, version, most, writable, save, kind, field, empty, required },
) {
  const [text, setText, clear] = useDraft(draft);
  // The version and text on which the draft is based; they survive a reload.
  const [began, setBegan, clearBegan] = useDraft(`${draft}-began`);
  const base = began ? JSON.parse(began) : null;
  const [theirs, setTheirs] = useState(/** @type {{value: string | null, version: number} | null} */ (null));
  const [busy, setBusy] = useState(false);
  const area = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const editing = base !== null;
  useEffect(() => {
    if (!editing || !area.current) return;
    area.current.focus();
    area.current.setSelectionRange(area.current.value.length, area.current.value.length);
  }, [editing]);
  const begin = () => {
    setText(value ?? "");
    setBegan(JSON.stringify({ value, version }));
  };
  const end = () => {
    clear();
    clearBegan();
    setTheirs(null);
  };
  const send = async (over = base.version) => {
    const next = text.trim();
    if (busy || (required && !next)) return;
    if (next === (base.value ?? "") && !theirs) return end();
    setBusy(true);
    try {
      await save(next || null, over);
      end();
    } catch (error) {
      if (error.code !== "stale_version") toastError(error);
      else if (error.current && error.current[field] === base.value) {
        // Another field was changed, so saving overwrites nothing.
        try {
          await save(next || null, error.current.version);
          end();
        } catch (again) {
          toastError(again);
        }
      } else setTheirs({ value: error.current?.[field], version: error.current?.version });
    } finally {
      setBusy(false);
    }
  };
  const keys = (event) => {
    if (event.key === "Escape") {
      event.preventDefault();
      end();
    } else if (event.key === "Enter" && (kind === "title" || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      send();
    }
  };
  if (!editing) {
    const shown = value
      ? html`<${Words} text=${value} />`
      : html`<span class="muted">${writable ? empty : t("inPlace.nothing")}</span>`;
    return html`<div class=${`in-place ${kind}`}>
      <p onDblClick=${() => writable && begin()}>${shown}</p>
      ${
      writable && html`
        <button class="icon-button" aria-label=${t("inPlace.edit", { name: label })}
          onClick=${begin}><${Icon} name="edit" /></button>
      `
    }
    </div>`;
  }
  return html`
    <form class=${`in-place-form stack ${kind}`} onSubmit=${(event) => {
      event.preventDefault();
      send();
    }}>
      <textarea ref=${area} rows=${kind === "title"
        ? 1
        : 5} maxlength=${most} aria-label=${label} value=${text}
        onInput=${(event) => setText(event.target.value)} onKeyDown=${keys}></textarea>
      ${theirs && html`<div class="note warn stack" role="alert"><b>${t("inPlace.conflict")}</b>
        <blockquote>${theirs.value ?? t("inPlace.nothing")}</blockquote>
        <span class="wrap"><button type="button" onClick=${() => send(theirs.version)}>${
        t("inPlace.mine")
      }</button>
          <button type="button" onClick=${end}>${t("inPlace.theirs")}</button></span></div>`}
      <div class="wrap"><button class="primary" disabled=${busy || (required && !text.trim())}>${t(
        "app.save",
      )}</button>
        <button type="button" class="quiet" onClick=${end}>${t("app.cancel")}</button>
        <small class="muted wide-only"><kbd>Esc</kbd> ${t("app.cancel")} · <kbd>${kind === "title"
          ? "Enter"
          : "Ctrl Enter"}</kbd> ${t("app.save")}</small></div>
    </form>
  `;
}
