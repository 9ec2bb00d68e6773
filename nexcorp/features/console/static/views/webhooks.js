/** Webhooks: external systems that receive events, and the result of each delivery. */
import { html, useState } from "../vendor/preact.js";
import { api, may } from "../lib/api.js";
import { proven } from "../lib/proof.js";
import { href } from "../lib/router.js";
import { usePaged } from "../lib/store.js";
import { Ago, Dialog, Empty, Field, Heading, Icon, PagedList, toastError, useForm } from "../lib/ui.js";
import { t } from "../lib/words.js";
import { Secret } from "./settings-keys.js";
import { Hook } from "./webhooks-hook.js";
/** @import { NewWebhook, Webhook } from "../lib/types.d.ts" */

export const STATUS_TONES = { active: "ok", paused: "warn", disabled: "danger" };

/** The event types typed into a field, separated by lines, spaces or commas. */
export const readTypes = (/** @type {string} */ text) => text.split(/[\s,]+/).filter(Boolean);

function Create(
  /** @type {{onClose: () => void, onMade: (hook: NewWebhook) => void}} */ { onClose, onMade },
) {
  const projects = usePaged("/projects?limit=100&role=owner");
  const [scope, setScope] = useState("own");
  const scopes = ["own", "project", ...(may("webhook:all") ? ["all"] : [])];
  const { busy, problem, errors, submit } = useForm(async ({ url, projectId, types, description }) => {
    const body = {
      url,
      scope,
      types: readTypes(types),
      description: description || null,
      ...(scope === "project" ? { projectId } : {}),
    };
    const made = await proven(() => api("POST", "/webhooks", body));
    if (made) onMade(made);
  });
  return html`
    <${Dialog} title=${t("webhooks.new")} onClose=${onClose}>
      <form class="form" onSubmit=${submit}>
        <${Field} label=${t("webhooks.url")} hint=${t(
          "webhooks.urlHint",
        )} name="url" type="url" required maxlength="2000"
          placeholder="https://" autofocus error=${errors.url} />
        <${Field} label=${t("webhooks.scope")}><select onChange=${(event) =>
          setScope(event.target.value)}>${scopes.map((one) =>
            html`<option key=${one} value=${one} selected=${one === scope}>${
              t(`webhooks.scopes.${one}`)
            }</option>`
          )}</select><//>
        ${scope === "project" &&
          html`<${Field} label=${
            t("webhooks.project")
          } error=${errors.projectId}><select name="projectId" required>${
            projects.items.value?.map((one) =>
              html`<option key=${one.id} value=${one.id}>${one.name}</option>`
            )
          }</select><//>`}
        <${Field} label=${t("webhooks.types")} hint=${t("webhooks.typesHint")} error=${errors
          .types}><textarea name="types" rows="2"></textarea><//>
        <${Field} label=${t("webhooks.description")} name="description" maxlength="200" error=${errors
          .description} />
        <p class="problem" role="alert">${problem && !Object.keys(errors).length && problem.first}</p>
        <div class="wrap"><button class="primary" disabled=${busy}>${t(
          "webhooks.new",
        )}</button><button type="button" class="quiet" onClick=${onClose}>${t("app.cancel")}</button></div>
      </form>
    <//>
  `;
}

/** All webhooks of the user. */
function List() {
  const list = usePaged("/webhooks");
  const [creating, create] = useState(false);
  const [made, setMade] = useState(/** @type {NewWebhook | null} */ (null));
  const onMade = (/** @type {NewWebhook} */ hook) => {
    create(false);
    setMade(hook);
    list.put(hook);
  };
  const empty = html`
    <li>
      <${Empty} icon="zap" title=${t("webhooks.empty")}>${t("webhooks.emptyHint")}<//></li>
  `;
  return html`
    <${Heading} title=${t("pages.webhooks")}>${may("webhook:create") &&
      html`<button class="primary" onClick=${() => create(true)}><${Icon} name="plus" /> ${
        t("webhooks.new")
      }</button>`}<//>
    ${made && html`
      <section class="card stack" role="status">
        <p><b>${t("webhooks.secretOnce")}</b></p>
        <${Secret} text=${made.secret} />
      </section>
    `}
    <ul class="list"><${PagedList} list=${list} empty=${empty}>${(/** @type {Webhook} */ one) =>
      html`
        <li
          key=${one.id}><${Icon} name="zap" /><span class="what grow"><a class="person" href=${href(
            `/webhooks/${one.id}`,
          )}>${one.description ?? new URL(one.url).host}</a>
            <span>${one.url}</span><small class="muted">${t(`webhooks.scopes.${one.scope}`)} · ${one.lastOkAt
              ? html`${t("webhooks.lastOk")} <${Ago} at=${one.lastOkAt} />`
              : t("webhooks.never")}</small></span>
          <span class=${`tag ${STATUS_TONES[one.status]}`}>${t(`webhooks.status.${one.status}`)}</span></li>
      `}<//></ul>
    ${creating && html`<${Create} onClose=${() => create(false)} onMade=${onMade} />`}
  `;
}

export default function Webhooks(/** @type {{id?: string}} */ { id }) {
  return html`<div class="page narrow">${
    id ? html`<${Hook} key=${id} id=${id} />` : html`<${List} />`
  }</div>`;
}

export const guarded = async (/** @type {() => Promise<any>} */ send) => {
  try {
    return await proven(send);
  } catch (error) {
    toastError(error);
  }
};
