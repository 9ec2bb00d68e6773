/** A dialog to pick one item by typing: a person, a task, a lead. */
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { get, me } from "../lib/api.js";
import { Avatar, Dialog, nameOf, toastError } from "../lib/ui.js";
import { t } from "../lib/words.js";

/**
 * Show what `find` returns for the typed text; arrow keys choose, Enter or a click picks.
 * @param {{title: string, find: (text: string) => Promise<any[]>, show: (item: any) => any,
 *   onPick: (item: any) => void, onClose: () => void, onCancel?: () => void, none?: string}} given
 *   `none`: label of the choice that picks null; `onCancel`: called if the user picks nothing
 */
export function Picker({ title, find, show, onPick, onClose, onCancel = onClose, none }) {
  const [text, setText] = useState("");
  const [items, setItems] = useState(/** @type {any[] | null} */ (null));
  const [at, setAt] = useState(0);
  const round = useRef(0);
  useEffect(() => {
    const mine = ++round.current;
    const timer = setTimeout(async () => {
      try {
        const found = await find(text.trim());
        if (mine !== round.current) return;
        setItems(!text.trim() && none ? [null, ...found] : found);
        setAt(0);
      } catch (error) {
        toastError(error);
      }
    }, text ? 180 : 0);
    return () => clearTimeout(timer);
  }, [text]);
  const pick = (/** @type {any} */ item) => {
    onClose();
    onPick(item);
  };
  const keys = (/** @type {KeyboardEvent} */ event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const count = items?.length ?? 0;
    if (step && count) setAt((at + step + count) % count);
    else if (event.key === "Enter" && count) pick(items?.[at]);
    else return;
    event.preventDefault();
  };
  return html`
    <${Dialog} title=${title} onClose=${onCancel}>
      <input
        autofocus
        role="combobox"
        aria-expanded="true"
        aria-controls="picker-list"
        aria-activedescendant=${items?.length ? `picker-${at}` : undefined}
        aria-label=${title}
        placeholder=${t("picker.hint")}
        maxlength="100"
        value=${text}
        onInput=${(/** @type {any} */ e) => setText(e.target.value)}
        onKeyDown=${keys}
      />
      <ul id="picker-list" class="picker" role="listbox" aria-label=${title}>
        ${items?.map((item, index) =>
          html`
            <li id=${`picker-${index}`} key=${item?.id ?? "none"} role="option"
              aria-selected=${index === at} onClick=${() => pick(item)}>
                        ${item === null ? html`<span class="muted">${none}</span>` : show(item)}</li>
          `
        )}
      </ul>
      ${items?.length === 0 && html`<p class="muted">${t("picker.nothing")}</p>`}
    <//>
  `;
}

/** Pick a person; the members of `projectId` come first. */
export const PersonPicker = (
  /** @type {{title: string, none?: string, projectId?: string | null, onPick: (person: any) => void, onClose: () => void}} */ {
    projectId,
    ...given
  },
) =>
  html`<${Picker} ...${given} find=${async (/** @type {string} */ text) => {
    if (!text && projectId) {
      const page = await get(`/projects/${projectId}/members?limit=50`);
      return meFirst(page.data.map((/** @type {any} */ one) => one.user));
    }
    const page = await get(`/users?limit=20${text ? `&q=${encodeURIComponent(text)}` : ""}`);
    return text ? page.data : meFirst(page.data);
  }} show=${(/** @type {any} */ person) =>
    html`
      <${Avatar} person=${person} small /><span class="grow">${nameOf(person)}</span><small
        class="muted">${person.id === me.value.id ? t("picker.you") : `@${person.username}`}</small>
    `} />`;

function meFirst(/** @type {any[]} */ people) {
  return [me.peek(), ...people.filter((one) => one.id !== me.peek().id)];
}
