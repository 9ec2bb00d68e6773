/** Pick a person by typing the beginning of a name: for assignees, members and recipients. */
import { html, useEffect, useId, useState } from "../vendor/preact.js";
import { get } from "./api.js";
import { Avatar, nameOf } from "./ui.js";
import { t } from "./words.js";
/** @import { PersonCard } from "./types.d.ts" */

/**
 * A field that finds people by name. Arrow keys choose, Enter picks.
 * @param {{label: string, onPick: (person: PersonCard) => void, without?: Set<string>, autofocus?: boolean}} given
 *   `without`: ids of people to leave out
 */
export function PickPerson({ label, onPick, without = new Set(), autofocus = false }) {
  const [text, setText] = useState("");
  const [found, setFound] = useState(/** @type {PersonCard[]} */ ([]));
  const [at, setAt] = useState(0);
  const id = useId();
  useEffect(() => {
    const q = text.trim();
    if (!q) return setFound([]);
    const asked = new AbortController();
    const timer = setTimeout(() => {
      get(`/users?limit=8&q=${encodeURIComponent(q)}`, { signal: asked.signal }).then((page) => {
        setFound(page.data);
        setAt(0);
      }, () => {});
    }, 150);
    return () => {
      clearTimeout(timer);
      asked.abort();
    };
  }, [text]);
  const offered = found.filter((person) => !without.has(person.id));
  const pick = (/** @type {PersonCard | undefined} */ person) => {
    if (!person) return;
    setText("");
    onPick(person);
  };
  const keys = (/** @type {KeyboardEvent} */ event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && offered.length) setAt((at + step + offered.length) % offered.length);
    else if (event.key === "Enter") pick(offered[at]);
    else return;
    event.preventDefault();
  };
  return html`
    <div class="pick">
      <input type="search" role="combobox" aria-label=${label} placeholder=${label} aria-expanded=${offered
        .length > 0} aria-controls=${id}
        aria-activedescendant=${offered.length
          ? `${id}-${at}`
          : undefined} autocomplete="off" autofocus=${autofocus} maxlength="100"
        value=${text} onInput=${(event) => setText(event.target.value)} onKeyDown=${keys} />
      <ul id=${id} role="listbox" aria-label=${label} hidden=${!offered.length}>
        ${offered.map((person, index) =>
          html`
            <li key=${person
              .id} id=${`${id}-${index}`} role="option" aria-selected=${index === at} onMouseDown=${() =>
              pick(person)}>
              <${Avatar} person=${person} small /> ${nameOf(person)} <small class="muted">@${person
                .username}</small>
            </li>
          `
        )}
      </ul>
      ${text.trim() && !offered.length &&
        html`<small class="muted" role="status">${t("people.empty")}</small>`}
    </div>
  `;
}
