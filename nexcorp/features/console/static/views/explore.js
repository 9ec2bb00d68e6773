/** Explore: posts ranked by their recent likes and comments. */
import { html } from "../vendor/preact.js";
import { usePaged } from "../lib/store.js";
import { Empty, Heading, PagedList } from "../lib/ui.js";
import { t } from "../lib/words.js";
import { usePostKeys } from "./feed.js";
import { PostCard } from "./post-card.js";

export default function Explore() {
  const list = usePaged("/explore?limit=20");
  const current = usePostKeys(list);
  const empty = html`
    <${Empty} icon="compass" title=${t("explore.empty")}>${t("explore.emptyHint")}<//>
  `;
  return html`
    <div class="column">
      <${Heading} title=${t("pages.explore")} />
      <${PagedList} list=${list} empty=${empty}>
        ${(post) =>
          html`<${PostCard} key=${post.id} post=${post} list=${list} current=${post.id === current} />`}
      <//>
    </div>
  `;
}
