/** The audit trail: who did what and when, with filters. */
import { html, useEffect, useState } from "../vendor/preact.js";
import { PickPerson } from "../lib/pick.js";
import { query, setQuery } from "../lib/router.js";
import { usePaged } from "../lib/store.js";
import { Ago, Avatar, Dialog, Empty, exactly, Heading, Icon, nameOf, PagedList } from "../lib/ui.js";
import { t } from "../lib/words.js";
/** @import { AuditEvent } from "../lib/types.d.ts" */

const FILTERS = ["actor", "type", "entityType", "entityId", "from", "to"];

/** All fields of an audit event. */
function Details(/** @type {{event: AuditEvent, onClose: () => void}} */ { event, onClose }) {
  /** @type {[string, any][]} */
  const lines = [
    ["when", exactly(event.createdAt)],
    ["who", event.actor ? nameOf(event.actor) : t("audit.service")],
    ["what", html`<code>${event.entityType} ${event.entityId}</code>`],
    ["name", event.entityName],
    ["ip", event.ip],
    ["agent", event.userAgent],
    ["request", event.requestId && html`<code>${event.requestId}</code>`],
  ];
  const show = (/** @type {Record<string, string>} */ filter) => {
    setQuery(filter);
    onClose();
  };
  return html`
    <${Dialog} title=${event.type} onClose=${onClose} wide>
      <dl class="facts-list">${lines.filter(([, value]) => value).map(([key, value]) =>
        html`
          <div key=${key}>
            <dt>${t(`audit.${key}`)}</dt>
            <dd>${value}</dd>
          </div>
        `
      )}</dl>
      <h3>${t("audit.payload")}</h3>
      <pre class="payload" tabindex="0">${JSON.stringify(event.payload, null, 2)}</pre>
      <div class="wrap">
        <button onClick=${() =>
          show({ entityType: event.entityType, entityId: event.entityId })}><${Icon} name="filter" /> ${t(
            "audit.sameEntity",
          )}</button>
        <button onClick=${() => show({ type: event.type })}><${Icon} name="filter" /> ${t(
          "audit.sameType",
        )}</button>
        ${event.actor &&
          html`<button onClick=${() => show({ actor: event.actor.id })}><${Icon} name="filter" /> ${
            t("audit.sameActor")
          }</button>`}
      </div>
      <//>
  `;
}

export default function Audit() {
  const [opened, open] = useState(/** @type {AuditEvent | null} */ (null));
  const given = Object.fromEntries(
    FILTERS.map((name) => [name, query.value.get(name) ?? ""]).filter(([, value]) => value),
  );
  const [type, setType] = useState(given.type ?? "");
  useEffect(() => setType(given.type ?? ""), [given.type]);
  const list = usePaged(`/events?${new URLSearchParams({ limit: "50", ...given })}`);
  const day = (/** @type {"from" | "to"} */ name) =>
    html`
      <label class="field"><span>${t(`audit.${name}`)}</span><input type="datetime-local" value=${given[name]
        ? toLocal(given[name])
        : ""}
        onChange=${(event) =>
          setQuery({ [name]: event.target.value && new Date(event.target.value).toISOString() })} /></label>
    `;
  const empty = html`
    <li>
      <${Empty} icon="file-text" title=${t("audit.nothing")}>${t("audit.nothingHint")}<//></li>
  `;
  return html`
    <div class="page narrow">
      <${Heading}
        title=${t("pages.audit")}><button onClick=${() => list.load()}><${Icon} name="refresh-cw" /> ${t(
          "audit.reload",
        )}</button><//>
      <section class="card filters" aria-label=${t("audit.filters")}>
        <${PickPerson} label=${t("audit.byWhom")} onPick=${(person) => setQuery({ actor: person.id })} />
        <form onSubmit=${(event) => {
          event.preventDefault();
          setQuery({ type: type.trim() });
        }}><input aria-label=${t("audit.type")} placeholder=${t(
          "audit.typeHint",
        )} value=${type} maxlength="100" onInput=${(event) => setType(event.target.value)} /></form>
        ${day("from")} ${day("to")}
        <div class="wrap">${Object.entries(given).map(([name, value]) =>
          html`<span key=${name} class="tag">${t(`audit.filter.${name}`)} ${
            name === "from" || name === "to" ? exactly(value) : value.slice(0, 18)
          }
          <button class="link" aria-label=${`${t("app.delete")} ${t(`audit.filter.${name}`)}`} onClick=${() =>
            setQuery({ [name]: null })}><${Icon} name="x" /></button></span>`
        )}</div>
      </section>
      <ul class="list events"><${PagedList} list=${list} empty=${empty} count=${4}>${(
        /** @type {AuditEvent} */ event,
      ) =>
        html`
          <li key=${event.id}><button class="event" onClick=${() => open(event)}>
            <${Avatar} person=${event.actor} small /><span class="what grow"><span><b>${event.actor
              ? nameOf(event.actor)
              : t("audit.service")}</b> <code>${event.type}</code></span>
              <span class="muted">${event.entityName ??
                `${event.entityType} ${event.entityId.slice(0, 13)}…`}</span></span>
            <small class="muted"><${Ago} at=${event.createdAt} /></small></button></li>
        `}<//></ul>
      ${opened && html`<${Details} event=${opened} onClose=${() => open(null)} />`}
    </div>
  `;
}

/** Format a time for a datetime-local input, in the browser's time zone. */
function toLocal(/** @type {string} */ at) {
  const date = new Date(at);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
