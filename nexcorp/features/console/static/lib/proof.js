/** Ask for the password before an action that outlives a session; one proof lasts ten minutes. */
import { html, render } from "../vendor/preact.js";
import { api } from "./api.js";
import { Dialog, Field, useForm } from "./ui.js";
import { t } from "./words.js";

/**
 * Send a request that needs a recent proof: if the service asks for one, ask for the password and send it again.
 * Resolves to undefined if the user cancels.
 * @template T
 * @param {() => Promise<T>} send
 * @returns {Promise<T | undefined>}
 */
export async function proven(send) {
  try {
    return await send();
  } catch (error) {
    if (/** @type {any} */ (error).code !== "reauthentication_required") throw error;
  }
  const host = document.body.appendChild(document.createElement("div"));
  const proved = await new Promise((settle) => {
    render(html`<${Ask} done=${() => settle(true)} cancel=${() => settle(false)} />`, host);
  });
  render(null, host);
  host.remove();
  return proved ? await send() : undefined;
}

function Ask(/** @type {{done: () => void, cancel: () => void}} */ { done, cancel }) {
  const { busy, problem, submit } = useForm(async ({ currentPassword }) => {
    await api("POST", "/auth/sudo", { currentPassword });
    done();
  });
  return html`
    <${Dialog} title=${t("proof.title")} onClose=${cancel}>
      <form class="form" onSubmit=${submit}>
        <p class="muted">${t("proof.why")}</p>
        <${Field}
          label=${t("signIn.password")}
          name="currentPassword"
          type="password"
          autocomplete="current-password"
          required
          autofocus
          error=${problem?.first}
        />
        <div class="wrap">
          <button class="primary" disabled=${busy}>${t("proof.submit")}</button>
          <button type="button" class="quiet" onClick=${cancel}>${t("app.cancel")}</button>
        </div>
      </form>
      <//>
  `;
}
