/** Notification settings: a grid of types and channels, quiet hours, digest, mutes, and pushes to this browser. */
import { html, useEffect, useState } from "../vendor/preact.js";
import { api, get } from "../lib/api.js";
import { on } from "../lib/live.js";
import { attempt, useAnswer, usePaged } from "../lib/store.js";
import { Ago, Empty, Field, Icon, PagedList, Problem, Skeleton, toast, toastError } from "../lib/ui.js";
import { has, t } from "../lib/words.js";
/** @import { Preferences, Mute, PushSubscription as Subscription } from "../lib/types.d.ts" */

const nameOfType = (/** @type {string} */ type) =>
  has(`settings.types.${type}`) ? t(`settings.types.${type}`) : type.replaceAll("_", " ");

/** A row per type and a column per channel; each change is saved at once. */
function Grid(/** @type {{value: Preferences, save: (change: any) => void}} */ { value, save }) {
  const set = (/** @type {string} */ type, /** @type {any} */ choice) => save({ types: { [type]: choice } });
  return html`
    <div class="scroll">
      <table class="grid">
        <thead>
          <tr>
            <th scope="col">${t("settings.type")}</th>
            <th scope="col">${t("settings.inApp")}</th>
            <th scope="col">${t("settings.push")}</th>
            <th scope="col">${t("settings.mail")}</th>
          </tr>
        </thead>
        <tbody>
          ${Object.entries(value.types).map(([type, one]) =>
            html`
              <tr key=${type}>
                <th scope="row">${nameOfType(type)} ${one.critical &&
                  html`<span class="tag plain" title=${t("settings.criticalHint")}><${Icon} name="lock" /> ${
                    t("settings.critical")
                  }</span>`}</th>
                <td><input type="checkbox" aria-label=${`${nameOfType(type)}: ${
                  t("settings.inApp")
                }`} checked=${one.inApp} disabled=${one.critical} onChange=${(event) =>
                  set(type, { inApp: event.target.checked })} /></td>
                <td><input type="checkbox" aria-label=${`${nameOfType(type)}: ${
                  t("settings.push")
                }`} checked=${one.push} disabled=${one.critical} onChange=${(event) =>
                  set(type, { push: event.target.checked })} /></td>
                <td><select aria-label=${`${nameOfType(type)}: ${t("settings.mail")}`} disabled=${one
                  .critical} onChange=${(event) => set(type, { email: event.target.value })}>
                  ${["off", "offline", "always"].map((way) =>
                    html`<option key=${way} value=${way} selected=${way === one.email}>${
                      t(`settings.mails.${way}`)
                    }</option>`
                  )}</select></td>
              </tr>
            `
          )}
        </tbody>
      </table>
    </div>
  `;
}

function Times(/** @type {{value: Preferences, save: (change: any) => void}} */ { value, save }) {
  const quiet = value.quietHours;
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const change = (/** @type {"from" | "to"} */ end) => (/** @type {any} */ event) =>
    event.target.value && save({ quietHours: { ...quiet, [end]: event.target.value } });
  return html`
    <section class="card form">
      <h2>${t("settings.quiet")}</h2>
      <p class="muted">${t("settings.quietHint")}</p>
      <label class="check"><input type="checkbox" checked=${quiet !== null} onChange=${(event) =>
        save({ quietHours: event.target.checked ? { from: "22:00", to: "07:00" } : null })} /> ${t(
          "settings.quietOn",
        )}</label>
      ${quiet && html`<div class="wrap">
        <label class="field"><span>${
        t("settings.from")
      }</span><input type="time" value=${quiet.from} onChange=${change("from")} /></label>
        <label class="field"><span>${t("settings.to")}</span><input type="time" value=${quiet.to} onChange=${
        change("to")
      } /></label></div>`}
      <div class="wrap"><span>${t("settings.zone", { zone: value.timezone })}</span>
        ${here && here !== value.timezone &&
          html`<button onClick=${() => save({ timezone: here })}>${
            t("settings.zoneHere", { zone: here })
          }</button>`}</div>
      <hr />
      <h2>${t("settings.digest")}</h2>
      <div class="wrap">
        <${Field} label=${t("settings.digestHow")}><select onChange=${(event) =>
          save({ digest: event.target.value })}>
          ${["none", "hourly", "daily"].map((one) =>
            html`<option key=${one} value=${one} selected=${one === value.digest}>${
              t(`settings.digests.${one}`)
            }</option>`
          )}</select><//>
        ${value.digest === "daily" && html`
          <label
            class="field"><span>${t("settings.digestAt")}</span><input type="time" value=${value
              .digestAt} onChange=${(event) =>
              event.target.value && save({ digestAt: event.target.value })} /></label>
        `}
      </div>
    </section>
  `;
}

/** Decode the push service's public key (base64url) to bytes. */
const toBytes = (/** @type {string} */ text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));

/** Pushes to this browser; the browser asks for permission only on a click here. */
function Push() {
  const able = "serviceWorker" in navigator && "PushManager" in globalThis && isSecureContext;
  const list = usePaged("/push-subscriptions");
  const [busy, setBusy] = useState(false);
  const here = list.items.value?.some((/** @type {Subscription} */ one) => one.current);
  const turnOn = async () => {
    setBusy(true);
    try {
      if (await Notification.requestPermission() !== "granted") {
        return toast(t("settings.pushDenied"), "error");
      }
      const { key } = await get("/push-subscriptions/key");
      const worker = await navigator.serviceWorker.ready;
      const subscription = await worker.pushManager.subscribe({
        userVisibleOnly: true,
        applicationServerKey: toBytes(key),
      });
      await api("POST", "/push-subscriptions", subscription.toJSON());
      list.load();
    } catch (error) {
      toastError(error);
    } finally {
      setBusy(false);
    }
  };
  const turnOff = async (/** @type {Subscription} */ { id, current }) => {
    try {
      await api("DELETE", `/push-subscriptions/${id}`);
      if (current && able) {
        await (await (await navigator.serviceWorker.ready).pushManager.getSubscription())?.unsubscribe();
      }
    } catch (error) {
      toastError(error);
    }
    list.load();
  };
  return html`
    <section class="card stack">
      <h2>${t("settings.pushes")}</h2>
      <p class="muted">${t(able ? "settings.pushHint" : "settings.pushUnable")}</p>
      ${able && !here &&
        html`<div><button disabled=${busy} onClick=${turnOn}><${Icon} name="bell" /> ${
          t("settings.pushOn")
        }</button></div>`}
      <ul class="rows">${list.items.value?.map((/** @type {Subscription} */ one) =>
        html`
          <li key=${one.id}
            class="row"><${Icon} name="monitor" /><span class="what grow"><b>${one.device ??
              one.endpointHost}</b><small class="muted">${one.endpointHost} · <${Ago} at=${one
              .refreshedAt} /></small></span>
            <button onClick=${() => turnOff(one)}>${t("settings.pushOff")}</button></li>
        `
      )}</ul>
    </section>
  `;
}

function Mutes() {
  const list = usePaged("/notifications/mutes?limit=30");
  const end = async (/** @type {Mute} */ { entity }) => {
    await api("DELETE", `/notifications/mutes/${entity.type}/${entity.id}`).catch(toastError);
    list.load();
  };
  const empty = html`
    <li>
      <${Empty} icon="bell" title=${t("settings.noMutes")}>${t("settings.noMutesHint")}<//></li>
  `;
  return html`
    <section class="card stack">
      <h2>${t("settings.mutes")}</h2>
      <ul class="rows">
        <${PagedList} list=${list} empty=${empty} count=${1}>${(/** @type {Mute} */ one) =>
          html`
            <li key=${one.entity.id}
              class="row"><${Icon} name="bell-off" /><span class="grow">${one.title ??
                t("app.gone")}</span><button onClick=${() => end(one)}>${t("settings.unmute")}</button></li>
          `}<//></ul>
    </section>
  `;
}

export function Notifications() {
  const { value, problem, reload, set } = useAnswer("/notifications/preferences");
  useEffect(() => on("notification-settings:updated", reload), []);
  if (problem) return html`<${Problem} error=${problem} retry=${reload} />`;
  if (!value) return html`<${Skeleton} count=${2} />`;
  const save = (/** @type {any} */ change) => {
    const types = change.types
      ? Object.fromEntries(
        Object.entries(change.types).map((
          [type, choice],
        ) => [type, { ...value.types[type], .../** @type {any} */ (choice) }]),
      )
      : {};
    return attempt(
      () => set({ ...value, ...change, types: { ...value.types, ...types } }),
      async () => set(await api("PUT", "/notifications/preferences", change)),
      () => set(value),
    );
  };
  return html`
    <div class="stack">
      <section class="card stack">
        <h2>${t("settings.what")}</h2>
        <${Grid} value=${value} save=${save} />
      </section>
      <${Times} value=${value} save=${save} />
      <${Push} />
      <${Mutes} />
    </div>
  `;
}
