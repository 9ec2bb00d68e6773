/** A person: profile, posts, followers, and the people they follow. */
import { html, useEffect, useState } from "../vendor/preact.js";
import { api, get, may, me } from "../lib/api.js";
import { enter } from "../lib/live.js";
import { go, href, query, setQuery } from "../lib/router.js";
import { attempt, usePaged } from "../lib/store.js";
import {
  Avatar,
  Empty,
  Heading,
  Icon,
  nameOf,
  onDay,
  PagedList,
  Problem,
  Skeleton,
  toastError,
  Words,
} from "../lib/ui.js";
import { t } from "../lib/words.js";
import { PersonRow, toggleFollow } from "./people.js";
import { PostCard } from "./post-card.js";
/** @import { Profile as Shown } from "../lib/types.d.ts" */

/** The person's posts, newest first; new ones arrive through the profile's room. */
function Posts(/** @type {{person: Shown}} */ { person }) {
  const list = usePaged(`/users/${person.id}/posts?limit=20`);
  useEffect(() =>
    enter(`profile:${person.id}`, (event, data) => {
      if (event === "post:created") list.put({ liked: false, interested: false, ...data });
      else if (event === "post:deleted") list.remove(data.id);
    }, () => list.load()), [person.id]);
  const empty = html`
    <${Empty} icon="edit" title=${t("profile.noPosts")}>${t("profile.noPostsHint", {
      name: nameOf(person),
    })}<//>
  `;
  return html`
    <${PagedList} list=${list} empty=${empty}>
      ${(post) => html`<${PostCard} key=${post.id} post=${post} list=${list} />`}
    <//>
  `;
}

/** The person's followers, or the people they follow (`kind`). */
function Others(/** @type {{person: Shown, kind: string}} */ { person, kind }) {
  const list = usePaged(`/users/${person.id}/${kind}?limit=30`);
  // The list's items are {user, createdAt}, so apply the patch to the user.
  const byUser = /** @type {any} */ ({
    change: (id, patch) => list.change(id, (item) => ({ user: { ...item.user, ...patch } })),
  });
  const empty = html`<${Empty} icon="users" title=${t("profile.nobody")}>${t("profile.nobodyHint")}<//>`;
  return html`
    <${PagedList} rows="list people" list=${list} empty=${empty}>
        ${({ user }) =>
          html`<${PersonRow} key=${user.id} person=${user} onToggle=${() => toggleFollow(byUser, user)} />`}
      <//>
  `;
}

function Facts(/** @type {{person: Shown}} */ { person }) {
  /** @type {[string, any][]} */
  const facts = [
    ["briefcase", [person.jobTitle, person.department].filter(Boolean).join(", ")],
    ["globe", person.location],
    ["mail", person.email && html`<a href=${`mailto:${person.email}`}>${person.email}</a>`],
    ["smartphone", person.phone && html`<a href=${`tel:${person.phone}`}>${person.phone}</a>`],
    ["calendar", t("profile.since", { day: onDay(person.createdAt) })],
  ];
  return html`
    <ul class="facts muted">
      ${facts.filter(([, value]) => value).map(([icon, value]) =>
        html`<li key=${icon}><${Icon} name=${icon} /> ${value}</li>`
      )}
    </ul>
  `;
}

/** The open tab is in the query string. */
const TABS = ["posts", "followers", "following"];

export default function Profile(/** @type {{username: string}} */ { username }) {
  const [person, setPerson] = useState(/** @type {Shown | null} */ (null));
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  const load = () => {
    setProblem(null);
    get(`/users/by-username/${encodeURIComponent(username)}`).then(setPerson, setProblem);
  };
  useEffect(() => {
    setPerson(null);
    load();
  }, [username]);
  if (problem) {
    return html`
      <div class="column">
        <${Heading} title=${`@${username}`} />
        <${Problem} error=${problem} retry=${load} />
      </div>
    `;
  }
  if (!person) {
    return html`
      <div class="column">
        <${Heading} title=${`@${username}`} hidden />
        <${Skeleton} count=${2} />
      </div>
    `;
  }
  const mine = person.id === me.value.id;
  const wanted = query.value.get("tab") ?? "posts", tab = TABS.includes(wanted) ? wanted : "posts";
  const follow = () => {
    const { followed, followerCount } = person;
    attempt(
      () => setPerson({ ...person, followed: !followed, followerCount: followerCount + (followed ? -1 : 1) }),
      () => api(followed ? "DELETE" : "PUT", `/users/${person.id}/follow`),
      () => setPerson({ ...person, followed, followerCount }),
    );
  };
  const write = async () => {
    try {
      go(`/messages/${(await api("POST", "/conversations", { userId: person.id })).id}`);
    } catch (error) {
      toastError(error);
    }
  };
  const counts = {
    posts: person.postCount,
    followers: person.followerCount,
    following: person.followingCount,
  };
  return html`
    <div class="column">
      <section class="card profile">
        <${Avatar} person=${person} large />
        <div class="stack">
          <${Heading} title=${nameOf(person)}>
            ${mine
              ? html`<a class="button" href=${href("/settings")}><${Icon} name="edit" /> ${t("app.edit")}</a>`
              : html`
                ${may("message:create") &&
                  html`<button onClick=${write}><${Icon} name="message-circle" /> ${
                    t("profile.write")
                  }</button>`}
                ${may("user:follow") && html`
                  <button class=${person.followed ? "" : "primary"} aria-pressed=${person
                    .followed} onClick=${follow}>
                    ${t(person.followed ? "feed.following" : "feed.follow")}
                  </button>
                `}
              `}
          <//>
          <p class="muted wrap">
            @${person.username} <span class="tag plain">${t(`roles.${person.role}`)}</span>
            ${person.status === "deactivated" &&
              html`<span class="tag warn">${t("profile.deactivated")}</span>`}
          </p>
          ${person.bio && html`
            <p class="bio">
              <${Words} text=${person.bio} />
            </p>
          `}
          <${Facts} person=${person} />
        </div>
      </section>
      <nav class="tab-list" aria-label=${t("pages.profile")}>
        ${TABS.map((one) =>
          html`
            <button key=${one} aria-current=${one === tab ? "page" : undefined} onClick=${() =>
              setQuery({ tab: one === "posts" ? null : one })}>
              ${t(`profile.${one}`, { count: counts[one] })}
            </button>
          `
        )}
      </nav>
      ${tab === "posts"
        ? html`<${Posts} key=${person.id} person=${person} />`
        : html`<${Others} key=${person.id + tab} person=${person} kind=${tab} />`}
    </div>
  `;
}
