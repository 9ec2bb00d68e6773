/** One post with all its comments. */
import { html, useEffect, useState } from "../vendor/preact.js";
import { get } from "../lib/api.js";
import { follow } from "../lib/live.js";
import { Paged } from "../lib/store.js";
import { Empty, Heading, nameOf, Problem, Skeleton } from "../lib/ui.js";
import { t } from "../lib/words.js";
import { applyToPost, PostCard } from "./post-card.js";

export default function Post(/** @type {{id: string}} */ { id }) {
  const [list] = useState(() => new Paged(`/posts/${id}`));
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  const load = async () => {
    setProblem(null);
    try {
      list.items.value = [await get(`/posts/${id}`)];
    } catch (error) {
      setProblem(error);
    }
  };
  useEffect(() => follow(`post:${id}`, load, (event, data) => applyToPost(list, id, event, data)), [id]);
  const post = list.items.value?.[0];
  const title = post ? post.title ?? `${t("post.title")} · ${nameOf(post.author)}` : t("post.title");
  return html`<div class="column"><${Heading} title=${title} hidden />
    ${
    problem
      ? html`<${Problem} error=${problem} retry=${load} />`
      : list.items.value === null
      ? html`<${Skeleton} count=${1} />`
      : post
      ? html`<${PostCard} post=${post} list=${list} whole />`
      : html`<${Empty} icon="trash" title=${t("post.deleted")}>${t("app.goneHint")}<//>`
  }</div>`;
}
