/** The user's own profile, as others see it, with a picture. */
import { html, useRef, useState } from "../vendor/preact.js";
import { api, may, me } from "../lib/api.js";
import { useAnswer } from "../lib/store.js";
import { Avatar, Field, Icon, Problem, Skeleton, toast, toastError, useForm } from "../lib/ui.js";
import { t } from "../lib/words.js";
/** @import { OwnProfile } from "../lib/types.d.ts" */

const FIELDS = [
  ["firstName", "given-name", 100],
  ["lastName", "family-name", 100],
  ["username", "username", 30],
  ["jobTitle", "organization-title", 100],
  ["department", "organization", 100],
  ["location", "address-level2", 100],
  ["phone", "tel", 40],
];

/** Upload a picture and return its URL; the service limits its size. */
async function upload(/** @type {File} */ file) {
  const form = new FormData();
  form.append("file", file);
  return await api("POST", "/uploads", form);
}

function Picture(
  /** @type {{profile: OwnProfile, onChange: (profile: OwnProfile) => void}} */ { profile, onChange },
) {
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const [busy, setBusy] = useState(false);
  const set = async (/** @type {File | null} */ file) => {
    setBusy(true);
    try {
      const avatarUrl = file ? (await upload(file)).url : null;
      onChange(await api("PATCH", "/users/me", { avatarUrl }));
    } catch (error) {
      toastError(error);
    } finally {
      setBusy(false);
    }
  };
  return html`
    <div class="wrap">
      <${Avatar} key=${profile.avatarUrl} person=${profile} large />
      <input ref=${input} type="file" accept="image/png,image/jpeg,image/webp,image/gif" hidden aria-label=${t(
        "settings.picture",
      )}
        onChange=${() => input.current?.files?.[0] && set(input.current.files[0])} />
      <button disabled=${busy} onClick=${() => input.current?.click()}><${Icon} name="image" /> ${t(
        "settings.picture",
      )}</button>
      ${profile.avatarUrl &&
        html`<button class="quiet" disabled=${busy} onClick=${() => set(null)}>${t("app.delete")}</button>`}
    </div>
  `;
}

export function Profile() {
  const { value: profile, problem: broken, reload, set } = useAnswer("/users/me");
  const { busy, problem, errors, submit } = useForm(async (values) => {
    const change = Object.fromEntries(
      Object.entries(values).map((
        [name, value],
      ) => [name, value.trim() || (name === "username" ? "" : null)]),
    );
    const saved = await api("PATCH", "/users/me", { ...change, version: profile.version });
    keep(saved);
    toast(t("app.saved"));
  });
  const keep = (/** @type {OwnProfile} */ saved) => {
    set(saved);
    const { firstName, lastName, username, avatarUrl } = saved;
    me.value = { ...me.peek(), firstName, lastName, username, avatarUrl };
  };
  if (broken) return html`<${Problem} error=${broken} retry=${reload} />`;
  if (!profile) return html`<${Skeleton} count=${1} />`;
  return html`
    <section class="card stack">
      ${may("upload:create") && html`<${Picture} profile=${profile} onChange=${keep} />`}
      <form class="form two" onSubmit=${submit} key=${profile.version}>
        ${FIELDS.map(([name, autocomplete, most]) =>
          html`
            <${Field} key=${name} label=${t(
              `settings.fields.${name}`,
            )} name=${name} autocomplete=${autocomplete} maxlength=${most}
              value=${profile[name] ?? ""} required=${name === "username"} error=${errors[name]} />
          `
        )}
        <${Field} label=${t("settings.fields.bio")} error=${errors.bio}>
          <textarea name="bio" maxlength="1000" rows="3">${profile.bio ?? ""}</textarea>
        <//>
        <p class="problem" role="alert">${problem && !Object.keys(errors).length && problem.first}</p>
        <div><button class="primary" disabled=${busy}>${t("app.save")}</button></div>
      </form>
    </section>
  `;
}
