/** The feed: posts by you and the people you follow, and a form to write one. */
import { html, signal, useEffect, useRef, useState } from "../vendor/preact.js";
import { api, get, may, me } from "../lib/api.js";
import { bindAll } from "../lib/keys.js";
import { follow } from "../lib/live.js";
import { go, href } from "../lib/router.js";
import { attempt, Paged } from "../lib/store.js";
import { Avatar, Empty, Heading, nameOf, PagedList } from "../lib/ui.js";
import { t } from "../lib/words.js";
import { Composer } from "./composer.js";
import { like, PostCard } from "./post-card.js";

/** @type {import("../vendor/preact.js").Signal<any[]>} */
const people = signal([]);

/** Suggestions of people to follow. */
function Rail() {
  useEffect(() => {
    get("/users?limit=8").then((page) => {
      people.value = page.data.filter((/** @type {any} */ one) => one.id !== me.peek().id).slice(0, 6);
    }, () => {});
  }, []);
  const toggle = (/** @type {any} */ person) => {
    const set = (/** @type {boolean} */ followed) => {
      people.value = people.peek().map((one) => one.id === person.id ? { ...one, followed } : one);
    };
    attempt(
      () => set(!person.followed),
      () => api(person.followed ? "DELETE" : "PUT", `/users/${person.id}/follow`),
      () => set(person.followed),
    );
  };
  return html`
    <aside class="rail">
      <section class="card" aria-labelledby="rail-people">
        <h2 id="rail-people">${t("feed.people")}</h2>
        <ul>${people.value.map((one) =>
          html`<li key=${one.id}><${Avatar} person=${one} small /><a class="person" href=${
            href(`/people/${one.username}`)
          }>${nameOf(one)}</a>
      <button aria-pressed=${one.followed} onClick=${() => toggle(one)}>${
            t(one.followed ? "feed.following" : "feed.follow")
          }<span class="visually-hidden"> ${nameOf(one)}</span></button></li>`
        )}</ul>
      </section>
    </aside>
  `;
}

/** Keys j, k and l move through a list's posts and like the current one. Returns the current post's id. */
export function usePostKeys(/** @type {Paged<any>} */ list) {
  const [current, setCurrent] = useState(/** @type {string | null} */ (null));
  const now = useRef(current);
  now.current = current;
  useEffect(() => {
    const step = (/** @type {number} */ by) => {
      const items = list.items.peek() ?? [], at = items.findIndex((one) => one.id === now.current);
      const next = items[Math.max(0, Math.min(items.length - 1, at + by))];
      if (!next) return;
      setCurrent(next.id);
      document.querySelector(`[data-id="${next.id}"]`)?.scrollIntoView({ block: "center" });
    };
    const found = () => now.current ? list.find(now.current) : undefined;
    return bindAll([
      ["j", "keys.next", () => step(1)],
      ["k", "keys.previous", () => step(-1)],
      ["l", "keys.like", () => {
        const post = found();
        if (post) like(list, post);
      }],
      ["Enter", "keys.open", () => {
        const post = found();
        if (post) go(`/posts/${post.id}`);
      }],
    ]);
  }, []);
  return current;
}

export default function Feed() {
  const [list] = useState(() => new Paged("/feed?limit=20"));
  const [fresh] = useState(() => signal(/** @type {any[]} */ ([])));
  const current = usePostKeys(list);
  useEffect(() =>
    follow("feed", () => list.load(), (event, post) => {
      if (event !== "post:created" || list.find(post.id)) return;
      const whole = { liked: false, interested: false, ...post };
      if (post.author?.id === me.peek().id) list.put(whole);
      // Hold new posts back until the reader asks for them: the list must not move while they read.
      else if (!fresh.peek().some((other) => other.id === post.id)) {
        fresh.value = [whole, ...fresh.peek()].sort((a, b) => a.publishedAt < b.publishedAt ? 1 : -1);
      }
    }), []);
  const showFresh = () => {
    const added = fresh.peek();
    fresh.value = [];
    [...added].reverse().forEach((post) => list.put(post));
    scrollTo({ top: 0 });
  };
  return html`
    <div class="columns">
      <div class="column"><${Heading} title=${t("pages.feed")} hidden />
          ${may("post:create") &&
            html`<${Composer} onPublished=${(/** @type {any} */ post) => list.put(post)} />`}
          ${fresh.value.length > 0 &&
            html`<button class="fresh" onClick=${showFresh}>${
              t("feed.fresh", { count: fresh.value.length })
            }</button>`}
          <${PagedList} list=${list} empty=${html`<${Empty} icon="users" title=${t("feed.empty")}>${
            t("feed.emptyHint")
          }<//>`}>${(/** @type {any} */ post) =>
            html`<${PostCard} key=${post.id} post=${post} list=${list} current=${post.id === current} />`}<//>
        </div>${may("user:read") && html`<${Rail} />`}</div>
  `;
}
