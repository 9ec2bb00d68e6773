/** People and roles, for administrators: each person's role and status, a role's permissions, invitations. */
import { html, useEffect, useState } from "../vendor/preact.js";
import { api, may, me } from "../lib/api.js";
import { proven } from "../lib/proof.js";
import { href, query, setQuery } from "../lib/router.js";
import { attempt, useAnswer, usePaged } from "../lib/store.js";
import {
  Ago,
  Avatar,
  Empty,
  Field,
  Heading,
  Icon,
  nameOf,
  PagedList,
  Problem,
  Skeleton,
  toast,
  toastError,
  useForm,
} from "../lib/ui.js";
import { t } from "../lib/words.js";
/** @import { Invitation, PersonCard, RoleList } from "../lib/types.d.ts" */

const ROLES = ["admin", "manager", "member"];

function Line(
  /** @type {{person: PersonCard, onChange: (patch: Partial<PersonCard>) => void}} */ { person, onChange },
) {
  const set = async (/** @type {string} */ path, /** @type {any} */ body) => {
    const { role, status } = person;
    onChange(body);
    try {
      if (await proven(() => api("PUT", `/users/${person.id}/${path}`, body))) return;
    } catch (error) {
      toastError(error);
    }
    onChange({ role, status });
  };
  const mine = person.id === me.value.id, active = person.status === "active";
  return html`
    <tr>
      <td><span class="wrap person-cell"><${Avatar} person=${person} small />
        <span class="what"><a class="person" href=${href(`/people/${person.username}`)}>${nameOf(
          person,
        )}</a><small class="muted">${person.email ?? `@${person.username}`}</small></span></span></td>
      <td><select aria-label=${t("members.roleOf", { name: nameOf(person) })} disabled=${mine} onChange=${(
        event,
      ) => set("role", { role: event.target.value })}>
        ${ROLES.map((role) =>
          html`<option key=${role} value=${role} selected=${role === person.role}>${
            t(`roles.${role}`)
          }</option>`
        )}</select></td>
      <td>${active
        ? html`<span class="tag ok">${t("members.active")}</span>`
        : html`<span class="tag warn">${t("profile.deactivated")}</span>`}</td>
      <td class="end">${!mine &&
        html`<button class=${active ? "danger" : ""} onClick=${() =>
          set("status", { status: active ? "deactivated" : "active" })}>
        ${t(active ? "members.deactivate" : "members.activate")}<span class="visually-hidden"> ${
          nameOf(person)
        }</span></button>`}</td>
    </tr>
  `;
}

function People() {
  const q = query.value.get("q") ?? "",
    role = query.value.get("role") ?? "",
    status = query.value.get("status") ?? "";
  const [text, setText] = useState(q);
  const wanted = new URLSearchParams({
    limit: "50",
    ...(q && { q }),
    ...(role && { role }),
    ...(status && { status }),
  });
  const list = usePaged(`/users?${wanted}`);
  useEffect(() => {
    const timer = setTimeout(() => text.trim() !== q && setQuery({ q: text.trim() }), 250);
    return () => clearTimeout(timer);
  }, [text]);
  const choose = (/** @type {string} */ name, /** @type {string[]} */ all, /** @type {string} */ now) =>
    html`
      <select aria-label=${t(`members.${name}`)} onChange=${(event) =>
        setQuery({ [name]: event.target.value })}>
        <option value="">${t(`members.any.${name}`)}</option>
        ${all.map((one) =>
          html`<option key=${one} value=${one} selected=${one === now}>${
            t(name === "role" ? `roles.${one}` : `members.${one}`)
          }</option>`
        )}</select>
    `;
  const empty = html`
    <tr>
      <td colspan="4">
        <${Empty} icon="users" title=${t("people.empty")}>${t("people.emptyHint")}<//></td></tr>
  `;
  return html`
    <div
      class="filters"><input type="search" maxlength="100" aria-label=${t("people.find")} placeholder=${t(
        "people.find",
      )} value=${text} onInput=${(event) => setText(event.target.value)} />
      ${choose("role", ROLES, role)} ${choose("status", ["active", "deactivated"], status)}</div>
    <div class="card scroll flush"><table>
      <thead><tr><th scope="col">${t("members.person")}</th><th scope="col">${t(
        "members.role",
      )}</th><th scope="col">${t("members.status")}</th><th scope="col"><span class="visually-hidden">${t(
        "members.change",
      )}</span></th></tr></thead>
      <tbody>${list.items.value === null
        ? html`
          <tr>
            <td colspan="4">
              <${Skeleton} count=${2} />
            </td>
          </tr>
        `
        : html`${
          list.items.value.map((person) =>
            html`<${Line} key=${person.id} person=${person} onChange=${(patch) =>
              list.change(person.id, patch)} />`
          )
        }${!list.items.value.length && empty}`}</tbody>
    </table>
    ${list.problem.value && html`<${Problem} error=${list.problem.value} retry=${() => list.load()} />`}
    ${list.cursor.value &&
      html`<button class="quiet more" onClick=${() => list.more()}>${t("app.more")}</button>`}</div>
  `;
}

/** A table with a column per role and a row per permission. */
function Roles() {
  const { value, problem, reload, set } = useAnswer("/roles");
  if (problem) return html`<${Problem} error=${problem} retry=${reload} />`;
  if (!value) return html`<${Skeleton} count=${2} />`;
  const roles = /** @type {RoleList["data"]} */ (value.data);
  const toggle = (
    /** @type {RoleList["data"][number]} */ role,
    /** @type {string} */ code,
    /** @type {boolean} */ held,
  ) => {
    const permissions = held ? [...role.permissions, code] : role.permissions.filter((one) => one !== code);
    const show = (/** @type {string[]} */ all) =>
      set({
        ...value,
        data: roles.map((one) => one.role === role.role ? { ...one, permissions: all } : one),
      });
    return attempt(
      () => show(permissions),
      async () => {
        if (!await proven(() => api("PUT", `/roles/${role.role}/permissions`, { permissions }))) {
          show(role.permissions);
        }
      },
      () => show(role.permissions),
    );
  };
  return html`
    <div class="card scroll flush">
      <table class="grid">
        <thead>
          <tr><th scope="col">${t("members.permission")}</th>${roles.map((one) =>
            html`<th scope="col" key=${one.role}>${t(`roles.${one.role}`)}</th>`
          )}</tr>
        </thead>
        <tbody>${value.permissions.map(({ code, description }) =>
          html`
            <tr
              key=${code}><th scope="row"><code>${code}</code><br /><small class="muted">${description}</small></th>
              ${roles.map((one) =>
                html`<td key=${one.role}><input type="checkbox" aria-label=${`${
                  t(`roles.${one.role}`)
                }: ${code}`} checked=${one.permissions.includes(code)}
            disabled=${!may("role:manage")} onChange=${(event) =>
                  toggle(one, code, event.target.checked)} /></td>`
              )}</tr>
          `
        )}</tbody>
      </table>
    </div>
  `;
}

const TONES = { pending: "warn", accepted: "ok", revoked: "plain", expired: "plain" };

function Invitations() {
  const list = usePaged("/admin/invitations?limit=50");
  const { busy, problem, errors, submit } = useForm(async ({ email }, form) => {
    list.put(await api("POST", "/admin/invitations", { email }));
    form.reset();
    toast(t("members.invited", { email }));
  });
  const revoke = async (/** @type {Invitation} */ { id }) => {
    try {
      await api("DELETE", `/admin/invitations/${id}`);
      list.change(id, { status: "revoked" });
    } catch (error) {
      toastError(error);
    }
  };
  const empty = html`
    <li>
      <${Empty} icon="mail" title=${t("members.noInvitations")}>${t("members.noInvitationsHint")}<//></li>
  `;
  return html`
    <form class="card form" onSubmit=${submit}>
      <${Field} label=${t(
        "members.invite",
      )} name="email" type="email" required maxlength="254" error=${errors.email ?? problem?.first} />
      <div><button class="primary" disabled=${busy}><${Icon} name="send" /> ${t(
        "members.send",
      )}</button></div>
    </form>
    <ul class="list">
      <${PagedList} list=${list} empty=${empty} count=${1}>${(/** @type {Invitation} */ one) =>
        html`
          <li
            key=${one.id}><${Icon} name="mail" /><span class="what grow"><b>${one
              .email}</b><small class="muted">${nameOf(one.invitedBy)} · <${Ago} at=${one
              .createdAt} /></small></span>
            <span class=${`tag ${TONES[one.status]}`}>${t(`members.states.${one.status}`)}</span>
            ${one.status === "pending" &&
              html`<button onClick=${() => revoke(one)}>${t("settings.revoke")}</button>`}</li>
        `}<//></ul>
  `;
}

const TABS = /** @type {Record<string, any>} */ ({ people: People, roles: Roles, invitations: Invitations });

export default function AdminPeople() {
  const wanted = query.value.get("tab") ?? "people", tab = TABS[wanted] ? wanted : "people";
  return html`
    <div class="page narrow">
      <${Heading} title=${t("pages.roles")} />
      <nav class="tab-list" aria-label=${t("pages.roles")}>${Object.keys(TABS).map((one) =>
        html`
          <button key=${one} aria-current=${one === tab ? "page" : undefined} onClick=${() =>
            setQuery({ tab: one === "people" ? null : one })}>${t(`members.tabs.${one}`)}</button>
        `
      )}</nav>
      <${TABS[tab]} />
    </div>
  `;
}
