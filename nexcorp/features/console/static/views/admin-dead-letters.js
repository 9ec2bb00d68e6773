/** Dead letters: events that could not be delivered, with a button to deliver each again. */
import { html, useState } from "../vendor/preact.js";
import { api, may } from "../lib/api.js";
import { useAnswer } from "../lib/store.js";
import { Ago, Empty, exactly, Heading, Icon, Problem, Skeleton, toast, toastError } from "../lib/ui.js";
import { t } from "../lib/words.js";
/** @import { DeadLetter } from "../lib/types.d.ts" */

export default function DeadLetters() {
  const { value, problem, reload, set } = useAnswer("/admin/outbox");
  const [busy, setBusy] = useState(/** @type {number | null} */ (null));
  const retry = async (/** @type {DeadLetter} */ letter) => {
    setBusy(letter.id);
    try {
      await api("POST", `/admin/outbox/${letter.id}/retry`);
      set({ data: value.data.filter((/** @type {DeadLetter} */ one) => one.id !== letter.id) });
      toast(t("dead.retried"));
    } catch (error) {
      toastError(error);
    } finally {
      setBusy(null);
    }
  };
  return html`
    <div class="page narrow">
      <${Heading}
        title=${t("pages.dead")}><button onClick=${reload}><${Icon} name="refresh-cw" /> ${t(
          "audit.reload",
        )}</button><//>
      ${problem && html`<${Problem} error=${problem} retry=${reload} />`}
      ${!value && !problem && html`<${Skeleton} />`}
      ${value?.data.length === 0 && html`
        <div class="card">
          <${Empty} icon="check" title=${t("dead.empty")}>${t("dead.emptyHint")}<//></div>
      `}
      ${value?.data.length > 0 &&
        html`<ul class="list">${
          value.data.map((/** @type {DeadLetter} */ one) =>
            html`
              <li
                key=${one.id}><${Icon} name="alert-triangle" /><span class="what grow"><b><code>${one.type ??
                  t("app.gone")}</code></b>
                  <span class="found">${one.lastError}</span><small class="muted"><${Ago} at=${one
                    .createdAt} /> · ${t("webhooks.attempts", {
                      count: one.attempts,
                    })}${one.nextAt && !one.dead
                    ? ` · ${t("dead.next", { at: exactly(one.nextAt) })}`
                    : ""}</small></span>
                <span class=${`tag ${one.dead ? "danger" : "warn"}`}>${t(
                  one.dead ? "dead.given" : "dead.waits",
                )}</span>
                ${one.dead && may("outbox:retry") &&
                  html`<button disabled=${busy === one.id} onClick=${() =>
                    retry(one)}><${Icon} name="refresh-cw" /> ${t("dead.retry")}</button>`}</li>
            `
          )
        }</ul>`}
    </div>
  `;
}
