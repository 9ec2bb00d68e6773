/** The account: email address, password, providers, devices; data export, and deleting the account. */
import { html, useEffect, useState } from "../vendor/preact.js";
import { api, get, me, signOut } from "../lib/api.js";
import { proven } from "../lib/proof.js";
import { usePaged } from "../lib/store.js";
import { Ago, Dialog, Field, Icon, PagedList, toast, toastError, useForm } from "../lib/ui.js";
import { t } from "../lib/words.js";
/** @import { SessionOut, IdentityOut, ExportState } from "../lib/types.d.ts" */

function Email() {
  const { busy, problem, submit } = useForm(async ({ email }, form) => {
    if (await proven(() => api("POST", "/auth/email", { email }))) {
      form.reset();
      toast(t("settings.emailSent"));
    }
  });
  return html`
    <form class="card form" onSubmit=${submit}>
      <h2>${t("settings.email")}</h2>
      <p class="muted">${t("settings.emailNow", { email: me.value.email })}</p>
      <${Field} label=${t(
        "settings.emailNew",
      )} name="email" type="email" autocomplete="email" required maxlength="254"
        error=${problem?.first} />
      <div><button disabled=${busy}>${t("settings.emailChange")}</button></div>
    </form>
  `;
}

function Password() {
  const { busy, problem, errors: said, submit } = useForm(async (values, form) => {
    await api("POST", "/auth/password", values);
    form.reset();
    toast(t("settings.passwordChanged"));
  });
  /** @type {Record<string, string>} */
  const errors = problem?.code === "wrong_password" ? { currentPassword: problem.first } : said;
  return html`
    <form class="card form" onSubmit=${submit}>
      <h2>${t("signIn.password")}</h2>
      <input type="text" name="" autocomplete="username" value=${me.value.email} hidden readonly />
      <${Field} label=${t(
        "settings.passwordNow",
      )} name="currentPassword" type="password" autocomplete="current-password"
        required maxlength="128"
        error=${errors.currentPassword} />
      <${Field} label=${t(
        "settings.passwordNew",
      )} name="newPassword" type="password" autocomplete="new-password" required
        minlength="8" maxlength="128"
        error=${errors.newPassword ?? (!errors.currentPassword && problem?.first)} />
      <div><button disabled=${busy}>${t("settings.passwordChange")}</button></div>
    </form>
  `;
}

/** External sign-in providers, if the service has any. */
function Identities() {
  const [providers, setProviders] = useState(/** @type {any[]} */ ([]));
  const list = usePaged("/auth/identities");
  useEffect(() => {
    get("/auth/oauth").then((answer) => setProviders(answer.data), () => {});
  }, []);
  if (!providers.length && !list.items.value?.length) return null;
  const remove = async (/** @type {IdentityOut} */ { provider }) => {
    try {
      if ((await proven(() => api("DELETE", `/auth/identities/${provider}`))) !== undefined) list.load();
    } catch (error) {
      toastError(error);
    }
  };
  const bind = async (/** @type {any} */ { provider }) => {
    try {
      const { url } = await get(
        `/auth/oauth/${provider}?purpose=link&return_to=${encodeURIComponent("/app/settings/account")}`,
      );
      location.assign(url);
    } catch (error) {
      toastError(error);
    }
  };
  const held = new Set(list.items.value?.map((one) => one.provider));
  return html`
    <section class="card stack">
      <h2>${t("settings.identities")}</h2>
      ${list.items.value?.map((/** @type {IdentityOut} */ one) =>
        html`
          <div key=${one.provider} class="row"><span><b>${one
            .provider}</b> <span class="muted">${one.username ?? one.email}</span></span>
            <button onClick=${() => remove(one)}>${t("settings.unlink")}</button></div>
        `
      )}
      <div class="wrap">${providers.filter((one) => !held.has(one.provider)).map((one) =>
        html`
          <button key=${one.provider} onClick=${() => bind(one)}><${Icon} name="link" /> ${t(
            "settings.linkTo",
            { name: one.name },
          )}</button>
        `
      )}</div>
    </section>
  `;
}

function Devices() {
  const list = usePaged("/auth/sessions");
  const end = async (/** @type {SessionOut} */ { id }) => {
    const items = list.items.peek();
    list.remove(id);
    await api("DELETE", `/auth/sessions/${id}`).catch((error) => {
      list.items.value = items;
      toastError(error);
    });
  };
  const endOthers = async () => {
    await api("DELETE", "/auth/sessions").catch(toastError);
    list.load();
  };
  return html`
    <section class="card stack">
      <div class="row"><h2>${t("settings.devices")}</h2><button onClick=${endOthers}>${t(
        "settings.endOthers",
      )}</button></div>
      <ul class="rows">
        <${PagedList} list=${list} count=${1}>
          ${(/** @type {SessionOut} */ one) =>
            html`
              <li key=${one.id} class="row">
                <${Icon} name=${one.platform === "mobile" ? "smartphone" : "monitor"} />
                <span class="what grow"><b>${one.device ?? one.platform}</b><small class="muted">${one
                  .ip} · <${Ago} at=${one.lastUsedAt} /></small></span>
                ${one.current
                  ? html`<span class="tag ok">${t("settings.thisDevice")}</span>`
                  : html`<button onClick=${() => end(one)}>${t("settings.end")}</button>`}
              </li>
            `}
        <//>
      </ul>
    </section>
  `;
}

const LOOK_MS = 2000;

/** Export all data that the service holds about the user; polls until the file is ready. */
function Data() {
  const [state, setState] = useState(/** @type {ExportState | null} */ (null));
  const ask = async () => {
    try {
      setState(await proven(() => get("/users/me/export")) ?? null);
    } catch (error) {
      toastError(error);
    }
  };
  useEffect(() => {
    if (!state || state.downloadUrl) return;
    const timer = setTimeout(ask, LOOK_MS);
    return () => clearTimeout(timer);
  }, [state]);
  const download = async () => {
    try {
      const { ticket } = await api("POST", "/auth/ticket", { purpose: "download" });
      location.assign(`${state.downloadUrl}?ticket=${encodeURIComponent(ticket)}`);
    } catch (error) {
      toastError(error);
    }
  };
  return html`
    <section class="card stack">
      <h2>${t("settings.data")}</h2>
      <p class="muted">${t("settings.dataHint")}</p>
      <div class="wrap">
        ${state?.status === "ready" || state?.downloadUrl
          ? html`<button class="primary" onClick=${download}><${Icon} name="download" /> ${
            t("settings.download")
          }</button>`
          : html`<button onClick=${ask}>${t(state ? "settings.askAgain" : "settings.prepare")}</button>`}
        ${state && !state.downloadUrl &&
          html`<span class="muted" role="status">${t("settings.preparing")}</span>`}
      </div>
    </section>
  `;
}

function Leave() {
  const [asked, ask] = useState(false);
  const leave = async () => {
    try {
      if ((await proven(() => api("DELETE", "/users/me", {}))) !== undefined) await signOut().catch(() => {});
    } catch (error) {
      toastError(error);
    } finally {
      ask(false);
    }
  };
  return html`
    <section class="card stack">
      <h2>${t("settings.leave")}</h2>
      <p class="muted">${t("settings.leaveHint")}</p>
      <div><button class="danger" onClick=${() => ask(true)}>${t("settings.leave")}</button></div>
      ${asked && html`
        <${Dialog} title=${t("settings.leave")} onClose=${() => ask(false)}>
          <p>${t("settings.leaveSure")}</p>
          <div
            class="wrap"><button class="danger" onClick=${leave}>${t(
              "settings.leaveYes",
            )}</button><button class="quiet" onClick=${() => ask(false)}>${t("app.cancel")}</button></div>
          <//>
      `}
    </section>
  `;
}

export const Account = () =>
  html`
    <div class="stack">
      <${Email} />
      <${Password} />
      <${Identities} />
      <${Devices} />
      <${Data} />
      <${Leave} />
    </div>
  `;
