/** API keys: they let programs act as the user, with some of the user's permissions. */
import { html, useState } from "../vendor/preact.js";
import { api, permissions } from "../lib/api.js";
import { proven } from "../lib/proof.js";
import { href } from "../lib/router.js";
import { usePaged } from "../lib/store.js";
import { Ago, Dialog, Empty, Field, Icon, onDay, PagedList, toast, toastError, useForm } from "../lib/ui.js";
import { t } from "../lib/words.js";
/** @import { ApiKey, NewApiKey } from "../lib/types.d.ts" */

const DAYS = ["30", "90", "365"];

function Create(/** @type {{onClose: () => void, onMade: (key: NewApiKey) => void}} */ { onClose, onMade }) {
  const { busy, problem, errors, submit } = useForm(async ({ name, days }, form) => {
    const scopes = new FormData(form).getAll("scopes");
    const expiresAt = new Date(Date.now() + Number(days) * 86_400_000).toISOString();
    const made = await proven(() => api("POST", "/auth/api-keys", { name, scopes, expiresAt }));
    if (made) onMade(made);
  });
  return html`
    <${Dialog} title=${t("settings.newKey")} onClose=${onClose}>
      <form class="form" onSubmit=${submit}>
        <${Field} label=${t("settings.keyName")} name="name" required maxlength="100" autofocus error=${errors
          .name} />
        <fieldset>
          <legend>${t("settings.keyScopes")}</legend>
          <div class="checks">${[...permissions.value ?? []].sort().map((code) =>
            html`
              <label key=${code}
                class="check"><input type="checkbox" name="scopes" value=${code} /> <code>${code}</code></label>
            `
          )}</div>
        </fieldset>
        <${Field} label=${t("settings.keyDays")}>
          <select name="days">${DAYS.map((days) =>
            html`<option value=${days} selected=${days === "90"}>${
              t("settings.days", { count: Number(days) })
            }</option>`
          )}</select>
          <//>
          <p class="problem" role="alert">${problem?.first}</p>
          <div
            class="wrap"><button class="primary" disabled=${busy}>${t(
              "settings.newKey",
            )}</button><button type="button" class="quiet" onClick=${onClose}>${t(
              "app.cancel",
            )}</button></div>
          </form>
          <//>
  `;
}

/** A secret that is shown only once, with a copy button. */
export const Secret = (/** @type {{text: string}} */ { text }) =>
  html`
    <div class="row secret"><code>${text}</code>
      <button onClick=${() =>
        navigator.clipboard?.writeText(text).then(() => toast(t("settings.copied")), () => {})}>
        <${Icon} name="copy" /> ${t("settings.copy")}
      </button></div>
  `;

export function Keys() {
  const list = usePaged("/auth/api-keys");
  const [creating, create] = useState(false);
  const [made, setMade] = useState(/** @type {NewApiKey | null} */ (null));
  const onMade = (/** @type {NewApiKey} */ key) => {
    create(false);
    setMade(key);
    list.put(key);
  };
  const revoke = async (/** @type {ApiKey} */ { id }) => {
    const items = list.items.peek();
    list.remove(id);
    await api("DELETE", `/auth/api-keys/${id}`).catch((error) => {
      list.items.value = items;
      toastError(error);
    });
  };
  const empty = html`
    <li>
      <${Empty} icon="key" title=${t("settings.noKeys")}>${t("settings.noKeysHint")}<//></li>
  `;
  return html`
    <section class="card stack">
      <div class="row"><h2>${t("settings.tabs.keys")}</h2><button class="primary" onClick=${() =>
        create(true)}><${Icon} name="plus" /> ${t("settings.newKey")}</button></div>
      <p class="muted">${t("settings.keysHint")} <a href=${href("/webhooks")}>${t("pages.webhooks")}</a></p>
      ${made && html`
        <div role="status">
          <p><b>${t("settings.keyOnce")}</b></p>
          <${Secret} text=${made.key} />
        </div>
      `}
      <ul class="rows">
        <${PagedList} list=${list} empty=${empty} count=${1}>
          ${(/** @type {ApiKey} */ one) =>
            html`
              <li key=${one.id} class="row">
                <${Icon} name="key" />
                <span class="what grow"><b>${one.name}</b>
                  <small class="muted"><code>${one.shown}…</code> · ${one.lastUsedAt
                    ? html`${t("settings.used")} <${Ago} at=${one.lastUsedAt} />`
                    : t("settings.unused")}
                    ${one.expiresAt && html`
                      · ${t("settings.until", { day: onDay(one.expiresAt) })}
                    `}</small>
                  <small class="muted">${one.scopes.join(", ")}</small></span>
                <button class="danger" onClick=${() => revoke(one)}>${t("settings.revoke")}</button>
              </li>
            `}
        <//>
      </ul>
      ${creating && html`<${Create} onClose=${() => create(false)} onMade=${onMade} />`}
    </section>
  `;
}
