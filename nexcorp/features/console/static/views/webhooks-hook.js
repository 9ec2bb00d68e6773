/** One webhook: its state, its secret, and its delivery log. */
import { html, useState } from "../vendor/preact.js";
import { api } from "../lib/api.js";
import { proven } from "../lib/proof.js";
import { go, href, query, setQuery } from "../lib/router.js";
import { useAnswer, usePaged } from "../lib/store.js";
import {
  Ago,
  Dialog,
  Empty,
  exactly,
  Field,
  Heading,
  Icon,
  PagedList,
  Problem,
  Skeleton,
  toast,
  toastError,
  useForm,
} from "../lib/ui.js";
import { t } from "../lib/words.js";
import { Secret } from "./settings-keys.js";
import { guarded, readTypes, STATUS_TONES } from "./webhooks.js";
/** @import { Webhook, WebhookDelivery } from "../lib/types.d.ts" */

const TONES = { pending: "warn", delivered: "ok", failed: "danger" };

/** All attempts of a delivery. */
function Log(/** @type {{hookId: string, id: string, onClose: () => void}} */ { hookId, id, onClose }) {
  const path = `/webhooks/${hookId}/deliveries/${id}`;
  const { value, problem, reload } = useAnswer(path);
  const again = async () => {
    try {
      await api("POST", `${path}/redeliver`);
      toast(t("webhooks.redelivered"));
      onClose();
    } catch (error) {
      toastError(error);
    }
  };
  return html`
    <${Dialog} title=${value?.type ?? t("webhooks.delivery")} onClose=${onClose} wide>
      ${problem && html`<${Problem} error=${problem} retry=${reload} />`}${!value && !problem &&
        html`<${Skeleton} count=${1} />`}
      ${value && html`
        <dl class="facts-list"><div><dt>webhook-id</dt><dd><code>msg_${value.eventId.replaceAll(
          "-",
          "",
        )}</code></dd></div>
          <div><dt>${t("webhooks.created")}</dt><dd>${exactly(
            value.createdAt,
          )}</dd></div>${value.nextAttemptAt && html`
            <div>
              <dt>${t("webhooks.next")}</dt>
              <dd>${exactly(value.nextAttemptAt)}</dd>
            </div>
          `}</dl>
        <ol class="trace">${value.log.map((one, at) =>
          html`
            <li
              key=${at}><b>${one.status ?? one.error}</b> <span class="muted">${one
                .ms} ms</span><small class="muted">${exactly(
                  one.at,
                )}</small>
                      ${one.response && html`<pre class="payload" tabindex="0">${one.response}</pre>`}</li>
          `
        )}</ol>
        <div><button onClick=${again}><${Icon} name="refresh-cw" /> ${t("webhooks.redeliver")}</button></div>
      `}
    <//>
  `;
}

function Deliveries(/** @type {{id: string}} */ { id }) {
  const status = query.value.get("status") ?? "";
  const list = usePaged(`/webhooks/${id}/deliveries?limit=50${status ? `&status=${status}` : ""}`);
  const [opened, open] = useState(/** @type {string | null} */ (null));
  const empty = html`
    <li>
      <${Empty} icon="send" title=${t("webhooks.noDeliveries")}>${t("webhooks.noDeliveriesHint")}<//></li>
  `;
  return html`
    <div class="row">
      <h2>${t("webhooks.deliveries")}</h2>
      <div class="wrap">
      <select aria-label=${t("webhooks.deliveries")} onChange=${(event) =>
        setQuery({ status: event.target.value })}>
        ${["", "pending", "delivered", "failed"].map((one) =>
          html`<option key=${one} value=${one} selected=${one === status}>${
            t(`webhooks.states.${one || "all"}`)
          }</option>`
        )}</select>
      <button onClick=${() => list.load()}><${Icon} name="refresh-cw" /> ${t("audit.reload")}</button></div>
    </div>
    <ul class="list events">
      <${PagedList} list=${list} empty=${empty} count=${2}>${(/** @type {WebhookDelivery} */ one) =>
        html`
          <li
            key=${one.id}><button class="event" onClick=${() =>
              open(one.id)}><span class="what grow"><b><code>${one.type}</code></b>
              <span class="muted">${one.lastStatus ?? one.lastError ?? ""} ${one.lastMs !== null
                ? `${one.lastMs} ms`
                : ""} ${t("webhooks.attempts", { count: one.attempts })}</span></span>
            <span class=${`tag ${TONES[one.status]}`}>${t(
              `webhooks.states.${one.status}`,
            )}</span><small class="muted"><${Ago} at=${one.createdAt} /></small></button></li>
        `}<//></ul>
    ${opened && html`<${Log} hookId=${id} id=${opened} onClose=${() => open(null)} />`}
  `;
}

function Edit(/** @type {{hook: Webhook, onSaved: (hook: Webhook) => void}} */ { hook, onSaved }) {
  const { busy, problem, errors, submit } = useForm(async ({ url, types, description }) => {
    const body = { url, types: readTypes(types), description: description || null, version: hook.version };
    const saved = await proven(() => api("PATCH", `/webhooks/${hook.id}`, body));
    if (!saved) return;
    onSaved(saved);
    toast(t("app.saved"));
  });
  return html`
    <form class="card form" onSubmit=${submit} key=${hook.version}>
      <${Field} label=${t("webhooks.url")} name="url" type="url" required maxlength="2000" value=${hook.url}
        error=${errors.url} />
      <${Field} label=${t("webhooks.types")} hint=${t("webhooks.typesHint")} error=${errors.types}>
        <textarea name="types" rows="2">${hook.types.join(", ")}</textarea>
        <//>
        <${Field} label=${t(
          "webhooks.description",
        )} name="description" maxlength="200" value=${hook.description ?? ""} />
        <p class="problem" role="alert">${problem && !Object.keys(errors).length && problem.first}</p>
        <div><button disabled=${busy}>${t("app.save")}</button></div>
        </form>
  `;
}

export function Hook(/** @type {{id: string}} */ { id }) {
  const path = `/webhooks/${id}`;
  const { value: hook, problem, reload, set } = useAnswer(path);
  const [secret, setSecret] = useState("");
  if (problem) {
    return html`
      <${Heading} title=${t("pages.webhooks")} />
      <${Problem} error=${problem} retry=${reload} />
    `;
  }
  if (!hook) {
    return html`
      <${Heading} title=${t("pages.webhooks")} />
      <${Skeleton} />
    `;
  }
  const pause = async () => {
    const changed = await guarded(() =>
      hook.status === "active"
        ? api("PATCH", path, { status: "paused", version: hook.version })
        : api("POST", `${path}/resume`)
    );
    if (changed) set(changed);
  };
  const test = async () => {
    if (await guarded(() => api("POST", `${path}/test`))) toast(t("webhooks.tested"));
  };
  const renew = async () => {
    const renewed = await guarded(() => api("POST", `${path}/secret`, {}));
    if (renewed) setSecret(renewed.secret);
  };
  const remove = async () => {
    if ((await guarded(() => api("DELETE", path))) === null) go("/webhooks");
  };
  return html`
    <${Heading} title=${hook.description ?? new URL(hook.url).host}>
      <a class="button" href=${href("/webhooks")}>${t("webhooks.all")}</a>
      <button onClick=${test}><${Icon} name="play" /> ${t("webhooks.test")}</button>
      <button onClick=${pause}>${t(hook.status === "active" ? "webhooks.pause" : "webhooks.resume")}</button>
      <button onClick=${renew}><${Icon} name="key" /> ${t("webhooks.renew")}</button>
      <button class="danger" onClick=${remove}><${Icon} name="trash" /> ${t("app.delete")}</button>
    <//>
    <p class="wrap"><span class=${`tag ${STATUS_TONES[hook.status]}`}>${t(
      `webhooks.status.${hook.status}`,
    )}</span>
      ${hook.reason && html`<span class="muted">${t(`webhooks.reasons.${hook.reason}`)}</span>`}
      ${hook.failures > 0 &&
        html`<span class="muted">${t("webhooks.failures", { count: hook.failures })}</span>`}</p>
    ${secret && html`
      <section class="card stack" role="status">
        <p><b>${t("webhooks.secretOnce")}</b></p>
        <${Secret} text=${secret} />
      </section>
    `}
    <${Edit} hook=${hook} onSaved=${set} />
    <${Deliveries} id=${id} />
  `;
}
