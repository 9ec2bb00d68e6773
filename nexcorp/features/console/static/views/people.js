/** People: everyone in the company, by name, with follow buttons. */
import { html, useEffect, useState } from "../vendor/preact.js";
import { api, may, me } from "../lib/api.js";
import { href, query, setQuery } from "../lib/router.js";
import { attempt, usePaged } from "../lib/store.js";
import { Avatar, Empty, Heading, nameOf, PagedList } from "../lib/ui.js";
import { t } from "../lib/words.js";
/** @import { Paged } from "../lib/store.js" */
/** @import { PersonCard } from "../lib/types.d.ts" */

/** Follow or unfollow a person of a list, shown at once. */
export function toggleFollow(/** @type {Paged<any>} */ list, /** @type {PersonCard} */ person) {
  const show = (/** @type {boolean} */ followed, /** @type {number} */ followerCount) =>
    list.change(person.id, { followed, followerCount });
  return attempt(
    () => show(!person.followed, person.followerCount + (person.followed ? -1 : 1)),
    () => api(person.followed ? "DELETE" : "PUT", `/users/${person.id}/follow`),
    () => show(person.followed, person.followerCount),
  );
}

/** A person as a row of a list, with a button to follow them. */
export const PersonRow = (/** @type {{person: PersonCard, onToggle: () => void}} */ { person, onToggle }) =>
  html`
    <li>
      <${Avatar} person=${person} />
      <span class="what">
        <a class="person" href=${href(`/people/${person.username}`)}>${nameOf(person)}</a>
        <small class="muted">
          ${[`@${person.username}`, person.jobTitle, person.department].filter(Boolean).join(" · ")}
        </small>
      </span>
      <small class="muted wide-only">${t("people.followers", { count: person.followerCount })}</small>
      ${person.id !== me.value.id && may("user:follow") && html`
        <button aria-pressed=${person.followed} onClick=${onToggle}>
          ${t(person.followed ? "feed.following" : "feed.follow")}
          <span class="visually-hidden">${nameOf(person)}</span>
        </button>
      `}
    </li>
  `;

export default function People() {
  const q = query.value.get("q") ?? "";
  const [text, setText] = useState(q);
  const list = usePaged(`/users?limit=30${q ? `&q=${encodeURIComponent(q)}` : ""}`);
  useEffect(() => {
    const timer = setTimeout(() => text.trim() !== q && setQuery({ q: text.trim() }), 250);
    return () => clearTimeout(timer);
  }, [text]);
  const empty = html`<${Empty} icon="users" title=${t("people.empty")}>${t("people.emptyHint")}<//>`;
  return html`
    <div class="column">
      <${Heading} title=${t("pages.people")} />
      <input
        type="search"
        maxlength="100"
        aria-label=${t("people.find")}
        placeholder=${t("people.find")}
        value=${text}
        onInput=${(event) => setText(event.target.value)}
      />
      <${PagedList} rows="list people" list=${list} empty=${empty}>
          ${(person) =>
            html`<${PersonRow} key=${person.id} person=${person} onToggle=${() =>
              toggleFollow(list, person)} />`}
        <//>
    </div>
  `;
}
