/** Link a project to a repository, and show the secret of its webhook once. */
import { html } from "../vendor/preact.js";
import { api } from "../lib/api.js";
import { Dialog, Field, Icon, toast, useForm } from "../lib/ui.js";
import { t } from "../lib/words.js";
/** @import { Repository } from "../lib/types.d.ts" */

const INTERVALS = [300, 900, 3600, 21_600, 86_400];

/** The form of a link; `linked` is the present one. */
export function LinkForm(
  /** @type {{path: string, linked?: Repository, onDone: (made: any) => void, onClose: () => void}} */ {
    path,
    linked,
    onDone,
    onClose,
  },
) {
  const { busy, problem, errors, submit } = useForm(async ({ url, branch, token, interval, drop }) => {
    onDone(
      await api("PUT", path, {
        url: url.trim(),
        branch: branch.trim() || null,
        interval: Number(interval),
        // If absent, the service keeps the present token.
        ...(drop ? { token: null } : token ? { token } : {}),
      }),
    );
    toast(t("app.saved"));
  });
  const interval = linked?.interval ?? 900;
  const choices = INTERVALS.includes(interval) ? INTERVALS : [interval, ...INTERVALS];
  return html`
    <${Dialog} title=${t("projects.link")} onClose=${onClose}>
      <form class="form" onSubmit=${submit}>
        <${Field} label=${t("projects.url")} hint=${t(
          "projects.urlHint",
        )} name="url" type="url" required autofocus
          placeholder="https://github.com/nexcorp/connect.git" value=${linked?.url ?? ""} error=${errors
            .url} />
        <${Field} label=${t("projects.branch")} hint=${t("projects.branchHint")} name="branch" value=${linked
          ?.branch ?? ""} maxlength="250" error=${errors.branch} />
        <${Field} label=${t("projects.token")} hint=${t(
          linked?.hasToken ? "projects.tokenKept" : "projects.tokenHint",
        )} name="token" type="password" autocomplete="off" error=${errors.token} />
        ${linked?.hasToken &&
          html`<label class="check"><input type="checkbox" name="drop" /> ${t("projects.dropToken")}</label>`}
        <${Field} label=${t("projects.interval")} error=${errors.interval}>
          <select name="interval" aria-label=${t("projects.interval")}>${choices.map((one) =>
            html`<option key=${one} value=${one} selected=${one === interval}>${
              t("projects.minutes", { count: Math.round(one / 60) })
            }</option>`
          )}</select>
        <//>
        ${problem && !Object.keys(errors).length &&
          html`<p class="problem" role="alert">${problem.first}</p>`}
        <div class="wrap"><button class="primary" disabled=${busy}>${t("app.save")}</button>
          <button type="button" class="quiet" onClick=${onClose}>${t("app.cancel")}</button></div>
      </form>
    <//>
  `;
}

/** The secret of the webhook, which cannot be shown again. */
export const Secret = (
  /** @type {{id: string, secret: string, onClose: () => void}} */ { id, secret, onClose },
) =>
  html`
    <${Dialog} title=${t("projects.secret")} onClose=${onClose}>
      <p>${t("projects.secretHint")}</p>
      <dl class="secret-facts">
        <div>
          <dt>${t("projects.hookAddress")}</dt>
          <dd><code>${location.origin}/api/v1/hooks/repositories/${id}</code></dd>
        </div>
        <div>
          <dt>${t("projects.hookSecret")}</dt>
          <dd><code>${secret}</code></dd>
        </div>
      </dl>
      <div class="wrap">
        <button class="primary" onClick=${() =>
          navigator.clipboard?.writeText(secret).then(
            () => toast(t("projects.copied")),
            () => {},
          )}><${Icon} name="copy" /> ${t("projects.copySecret")}</button>
        <button onClick=${onClose}>${t("app.close")}</button>
      </div>
      <//>
  `;
