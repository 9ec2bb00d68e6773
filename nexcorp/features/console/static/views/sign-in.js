/** Sign in, register, or reset a forgotten password. */
import { html, useEffect, useState } from "../vendor/preact.js";
import { ask, signIn } from "../lib/api.js";
import { BASE } from "../lib/router.js";
import { Field, Heading, Icon, useForm } from "../lib/ui.js";
import { t } from "../lib/words.js";

const ICON = new URL("../favicon.svg", import.meta.url).pathname;

/** The current address, to which a provider or a mailed link leads back. */
const here = () => location.pathname + location.search;

function SignIn(/** @type {any} */ { show }) {
  const { busy, problem, submit } = useForm(({ email, password }) => signIn(email, password));
  return html`
    <${Heading} title=${t("signIn.title")} />
    <form onSubmit=${submit}>
      <${Field} label=${t(
        "signIn.email",
      )} name="email" type="email" autocomplete="username" required maxlength="254"
        autofocus />
      <${Field} label=${t(
        "signIn.password",
      )} name="password" type="password" autocomplete="current-password" required
        maxlength="128" />
      <p class="problem" role="alert">${problem?.first}</p>
      <button class="primary" disabled=${busy}>${t("signIn.submit")}</button>
    </form>
    <p
      class="row"><button class="link" onClick=${() => show("forgot")}>${t(
        "signIn.forgot",
      )}</button><button class="link" onClick=${() => show("register")}>${t("signIn.register")}</button></p>
    <${Providers} />
    <${Demo} />
  `;
}

function Providers() {
  const [providers, setProviders] = useState(/** @type {any[]} */ ([]));
  useEffect(() => {
    ask("GET", "/auth/oauth").then((answer) => setProviders(answer.data), () => {});
  }, []);
  return providers.map((one) =>
    html`<a key=${one.provider} class="button" href=${`${one.loginUrl}?return_to=${
      encodeURIComponent(here())
    }`}>${t("signIn.with", { name: one.name })}</a>`
  );
}

/** The people of the demo company; only in development. */
function Demo() {
  const [people, setPeople] = useState(/** @type {any[]} */ ([]));
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    fetch(`${BASE}/demo.json`).then((answer) => answer.ok ? answer.json() : { data: [] }).then(
      ({ data }) => setPeople(data),
      () => {},
    );
  }, []);
  if (!people.length) return null;
  const enter = (/** @type {any} */ one) => {
    setBusy(true);
    signIn(one.email, one.password).catch(() => {}).finally(() => setBusy(false));
  };
  return html`
    <section class="demo">
      <h2>${t("signIn.demo")}</h2>
      <div>${people.map((one) =>
        html`<button key=${one.email} disabled=${busy} onClick=${() => enter(one)}>
    <b>${one.firstName}</b><small class="muted">${t(`roles.${one.role}`)}</small></button>`
      )}</div>
    </section>
  `;
}

function Register(/** @type {any} */ { show }) {
  const { busy, problem, errors, submit } = useForm(async (values) => {
    await ask("POST", "/auth/register", values);
    await signIn(values.email, values.password);
  });
  return html`
    <${Heading} title=${t("signIn.registerTitle")} />
        <form onSubmit=${submit}>
      <${Field} label=${t(
        "signIn.email",
      )} name="email" type="email" autocomplete="username" required maxlength="254"
        error=${errors.email} autofocus />
      <${Field} label=${t(
        "signIn.password",
      )} name="password" type="password" autocomplete="new-password" required
        minlength="10" maxlength="128" error=${errors.password} />
      <p class="problem" role="alert">${problem && !Object.keys(errors).length && problem.first}</p>
      <button class="primary" disabled=${busy}>${t("signIn.register")}</button>
    </form><button class="link" onClick=${() => show("")}>${t("signIn.back")}</button>
  `;
}

function Forgot(/** @type {any} */ { show }) {
  const [sent, setSent] = useState(false);
  const { busy, problem, submit } = useForm(async ({ email }) => {
    await ask("POST", "/auth/password/forgot", { email });
    setSent(true);
  });
  return html`<${Heading} title=${t("signIn.forgotTitle")} />
    ${
    sent
      ? html`<p role="status"><${Icon} name="mail" /> ${t("signIn.sent")}</p>`
      : html`<form onSubmit=${submit}>
      <${Field} label=${
        t("signIn.email")
      } name="email" type="email" autocomplete="username" required maxlength="254" autofocus />
      <p class="problem" role="alert">${problem?.first}</p><button class="primary" disabled=${busy}>${
        t("signIn.send")
      }</button></form>`
  }
    <button class="link" onClick=${() => show("")}>${t("signIn.back")}</button>`;
}

const FORMS = /** @type {Record<string, any>} */ ({ "": SignIn, register: Register, forgot: Forgot });

/** Shown for any path; the path stays, so its view appears after signing in. */
export default function Entrance() {
  const [form, show] = useState("");
  return html`
    <main class="sign-in">
      <section><img src=${ICON} width="44" height="44" alt="" /><${FORMS[form]} show=${show} /></section>
    </main>
  `;
}
