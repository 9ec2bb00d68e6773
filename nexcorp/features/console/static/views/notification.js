/** The link target of mails and pushes: marks the notification as read and goes to its subject. */
import { html, useEffect, useState } from "../vendor/preact.js";
import { api, get } from "../lib/api.js";
import { placeOf } from "../lib/bell.js";
import { go } from "../lib/router.js";
import { Heading, Problem, Skeleton } from "../lib/ui.js";
import { t } from "../lib/words.js";

export default function Notification(/** @type {{id: string}} */ { id }) {
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  const lead = async () => {
    setProblem(null);
    try {
      const found = await get(`/notifications/${id}`);
      if (!found.isRead) api("PATCH", `/notifications/${id}`, { isRead: true }).catch(() => {});
      go(placeOf(found) ?? "/notifications", { replace: true });
    } catch (error) {
      setProblem(error);
    }
  };
  useEffect(() => {
    lead();
  }, [id]);
  return html`<div class="column"><${Heading} title=${t("pages.notifications")} />
    ${
    problem ? html`<${Problem} error=${problem} retry=${lead} />` : html`<${Skeleton} count=${1} />`
  }</div>`;
}
